package as2

import "strings"

// namespace is where the core terms live; they are also met with it in front,
// or with as: for it.
const namespace = "https://www.w3.org/ns/activitystreams#"

// member is one member that we read.
type member struct {
	name string
	core bool // a term of AS2 itself, which has longer spellings
	read func(*document, *frame) error
}

// terms are the members that we read, and how to find them by any spelling.
type terms struct {
	members []member
	number  map[string]int
}

// vocabulary is filled once and never changed.
var vocabulary = func() *terms {
	t := &terms{members: members(), number: map[string]int{"@id": 0, "@type": 1}}
	for i, m := range t.members {
		t.number[m.name] = i
		if m.core {
			t.number["as:"+m.name] = i
			t.number[namespace+m.name] = i
		}
	}
	return t
}()

// members makes the table; id and type come first.
func members() []member {
	list := []member{
		{name: "id", read: (*document).readID},
		{name: "type", read: (*document).readTypes},
	}
	for _, part := range [][]member{coreReferences(), coreTexts(), coreValues(), extensions(), eventMembers()} {
		list = append(list, part...)
	}
	return list
}

// refMember is a member that holds objects or their ids.
func refMember(name string, limit int, at func(*frame) *[]*Object) member {
	return member{name: name, core: true, read: func(d *document, f *frame) error {
		return d.refs(at(f), limit)
	}}
}

// idMember is a member that holds one id.
func idMember(name string, at func(*frame) *string) member {
	return member{name: name, core: true, read: func(d *document, f *frame) (err error) {
		*at(f), err = d.ref()
		return err
	}}
}

func coreReferences() []member {
	return []member{
		refMember("actor", maxRefs, func(f *frame) *[]*Object { return &f.Actor }),
		refMember("object", maxRefs, func(f *frame) *[]*Object { return &f.Object.Object }),
		refMember("target", maxRefs, func(f *frame) *[]*Object { return &f.Target }),
		refMember("result", maxRefs, func(f *frame) *[]*Object { return &f.Result }),
		refMember("instrument", maxRefs, func(f *frame) *[]*Object { return &f.Instrument }),
		refMember("origin", maxRefs, func(f *frame) *[]*Object { return &f.Origin }),
		refMember("attributedTo", maxRefs, func(f *frame) *[]*Object { return &f.AttributedTo }),
		refMember("attachment", maxFields, func(f *frame) *[]*Object { return &f.Attachment }),
		refMember("icon", maxRefs, func(f *frame) *[]*Object { return &f.Icon }),
		refMember("image", maxRefs, func(f *frame) *[]*Object { return &f.Image }),
		refMember("location", maxRefs, func(f *frame) *[]*Object { return &f.Location }),
		refMember("preview", maxRefs, func(f *frame) *[]*Object { return &f.Preview }),
		refMember("generator", maxRefs, func(f *frame) *[]*Object { return &f.Generator }),
		refMember("oneOf", maxOptions, func(f *frame) *[]*Object { return &f.OneOf }),
		refMember("anyOf", maxOptions, func(f *frame) *[]*Object { return &f.AnyOf }),
		refMember("items", maxItems, func(f *frame) *[]*Object { return &f.Items }),
		refMember("orderedItems", maxItems, func(f *frame) *[]*Object { return &f.Items }),
		{name: "tag", core: true, read: (*document).readTags},
		{name: "first", core: true, read: (*document).readFirst},

		idMember("inReplyTo", func(f *frame) *string { return &f.InReplyTo }),
		idMember("context", func(f *frame) *string { return &f.Context }),
		idMember("inbox", func(f *frame) *string { return &f.Inbox }),
		idMember("outbox", func(f *frame) *string { return &f.Outbox }),
		idMember("followers", func(f *frame) *string { return &f.Followers }),
		idMember("following", func(f *frame) *string { return &f.Following }),
		idMember("next", func(f *frame) *string { return &f.Next }),
		idMember("prev", func(f *frame) *string { return &f.Prev }),
		idMember("last", func(f *frame) *string { return &f.Last }),
		idMember("partOf", func(f *frame) *string { return &f.PartOf }),
		idMember("movedTo", func(f *frame) *string { return &f.MovedTo }),
		totalMember("replies", func(f *frame) (*string, *int64) { return &f.Replies, &f.RepliesTotal }),
		totalMember("likes", func(f *frame) (*string, *int64) { return &f.Likes, &f.LikesTotal }),
		totalMember("shares", func(f *frame) (*string, *int64) { return &f.Shares, &f.SharesTotal }),
	}
}

// totalMember is a collection of which we keep the id and the size.
func totalMember(name string, at func(*frame) (*string, *int64)) member {
	return member{name: name, core: true, read: func(d *document, f *frame) error {
		var list []*Object
		if err := d.refs(&list, 1); err != nil || len(list) == 0 {
			return err
		}
		id, total := at(f)
		*id, *total = list[0].ID, list[0].TotalItems
		return nil
	}}
}

// idsMember is a member that holds a list of ids.
func idsMember(name string, limit int, at func(*frame) *[]string) member {
	return member{name: name, core: true, read: func(d *document, f *frame) error {
		return d.ids(at(f), limit)
	}}
}

// textMember is a member that holds a text in one language or several.
func textMember(name string, i int) member {
	return member{name: name, core: true, read: func(d *document, f *frame) error {
		return d.text(f, i)
	}}
}

// stringMember is a member that holds a string.
func stringMember(name string, at func(*frame) *string) member {
	return member{name: name, core: true, read: func(d *document, f *frame) (err error) {
		*at(f), err = d.str()
		return err
	}}
}

func coreTexts() []member {
	return []member{
		idsMember("to", maxAudience, func(f *frame) *[]string { return &f.To }),
		idsMember("cc", maxAudience, func(f *frame) *[]string { return &f.Cc }),
		idsMember("bto", maxAudience, func(f *frame) *[]string { return &f.Bto }),
		idsMember("bcc", maxAudience, func(f *frame) *[]string { return &f.Bcc }),
		idsMember("audience", maxAudience, func(f *frame) *[]string { return &f.Audience }),
		idsMember("alsoKnownAs", maxAliases, func(f *frame) *[]string { return &f.AlsoKnownAs }),

		textMember("name", textName),
		textMember("nameMap", textName),
		textMember("summary", textSummary),
		textMember("summaryMap", textSummary),
		textMember("content", textContent),
		textMember("contentMap", textContent),

		stringMember("mediaType", func(f *frame) *string { return &f.MediaType }),
		stringMember("href", func(f *frame) *string { return &f.Href }),
		stringMember("rel", func(f *frame) *string { return &f.Rel }),
		stringMember("duration", func(f *frame) *string { return &f.Duration }),
		stringMember("formerType", func(f *frame) *string { return &f.FormerType }),
		stringMember("preferredUsername", func(f *frame) *string { return &f.PreferredUsername }),
	}
}

// localName strips the namespace from the name of a type.
func localName(t string) string {
	if s, ok := strings.CutPrefix(t, namespace); ok {
		return s
	}
	if s, ok := strings.CutPrefix(t, "as:"); ok {
		return s
	}
	return t
}
