package as2

import "time"

// timeMember is a member that holds an instant.
func timeMember(name string, at func(*frame) *time.Time) member {
	return member{name: name, core: true, read: func(d *document, f *frame) error {
		s, err := d.str()
		*at(f) = parseTime(s)
		return err
	}}
}

// boolMember is a member that holds a truth value.
func boolMember(name string, at func(*frame) *bool) member {
	return member{name: name, core: true, read: func(d *document, f *frame) (err error) {
		*at(f), err = d.boolean()
		return err
	}}
}

// countMember is a member that holds a number of things; missing is what it is
// when it cannot be read.
func countMember(name string, missing int64, at func(*frame) *int64) member {
	return member{name: name, core: true, read: func(d *document, f *frame) error {
		n, ok, err := d.count()
		if !ok {
			n = missing
		}
		*at(f) = n
		return err
	}}
}

// pixelMember is a member that holds a length in pixels.
func pixelMember(name string, at func(*frame) *int) member {
	return member{name: name, core: true, read: func(d *document, f *frame) error {
		n, ok, err := d.count()
		if ok && n <= 1<<20 {
			*at(f) = int(n)
		}
		return err
	}}
}

func coreValues() []member {
	return []member{
		timeMember("published", func(f *frame) *time.Time { return &f.Published }),
		timeMember("updated", func(f *frame) *time.Time { return &f.Updated }),
		{name: "startTime", core: true, read: (*document).readStart},
		timeMember("endTime", func(f *frame) *time.Time { return &f.EndTime }),
		timeMember("deleted", func(f *frame) *time.Time { return &f.Deleted }),
		timeMember("closed", func(f *frame) *time.Time { return &f.Closed }),
		boolMember("sensitive", func(f *frame) *bool { return &f.Sensitive }),
		boolMember("manuallyApprovesFollowers", func(f *frame) *bool { return &f.ManuallyApproves }),
		countMember("totalItems", -1, func(f *frame) *int64 { return &f.TotalItems }),
		pixelMember("width", func(f *frame) *int { return &f.Width }),
		pixelMember("height", func(f *frame) *int { return &f.Height }),
		{name: "source", core: true, read: (*document).readSource},
		{name: "url", core: true, read: (*document).readURL},
		{name: "endpoints", core: true, read: (*document).readEndpoints},
	}
}

// extensions are the members of other vocabularies that we read.
func extensions() []member {
	list := []member{
		idMember("featured", func(f *frame) *string { return &f.Featured }),
		idMember("quote", func(f *frame) *string { return &f.quote[0] }),
		idMember("_misskey_quote", func(f *frame) *string { return &f.quote[1] }),
		idMember("quoteUrl", func(f *frame) *string { return &f.quote[2] }),
		idMember("quoteUri", func(f *frame) *string { return &f.quote[3] }),
		idMember("sharedInbox", func(f *frame) *string { return &f.inbox }),
		idMember("owner", func(f *frame) *string { return &f.owner }),
		idMember("controller", func(f *frame) *string { return &f.controller }),
		stringMember("webfinger", func(f *frame) *string { return &f.Webfinger }),
		stringMember("conversation", func(f *frame) *string { return &f.Conversation }),
		stringMember("blurhash", func(f *frame) *string { return &f.Blurhash }),
		stringMember("publicKeyPem", func(f *frame) *string { return &f.pem }),
		stringMember("value", func(f *frame) *string { return &f.Value }),
		boolMember("discoverable", func(f *frame) *bool { return &f.Discoverable }),
		boolMember("indexable", func(f *frame) *bool { return &f.Indexable }),
		countMember("size", 0, func(f *frame) *int64 { return &f.Size }),
		countMember("votersCount", -1, func(f *frame) *int64 { return &f.VotersCount }),
		{name: "_misskey_reaction", read: func(d *document, f *frame) error {
			s, err := d.str() // V8: an older spelling of a Like's content
			f.first[textContent] = s
			return err
		}},
		{name: "focalPoint", read: (*document).readFocalPoint},
		{name: "publicKey", read: (*document).readKeys},
	}
	for i := range list {
		list[i].core = false
	}
	return list
}
