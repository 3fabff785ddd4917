package as2

import "strings"

// Where and when events are, as Mobilizon, Gancio, Friendica and WordPress write
// it (FEP-8a8e): terms that AS2 itself does not have.

// PostalAddress is an address of schema.org.
type PostalAddress struct{ Street, Code, Locality, Region, Country string }

// eventMembers are the members of events and places.
func eventMembers() []member {
	list := []member{
		stringMember("timezone", func(f *frame) *string { return &f.Timezone }),
		stringMember("streetAddress", func(f *frame) *string { return &f.Postal.Street }),
		stringMember("postalCode", func(f *frame) *string { return &f.Postal.Code }),
		stringMember("addressLocality", func(f *frame) *string { return &f.Postal.Locality }),
		stringMember("addressRegion", func(f *frame) *string { return &f.Postal.Region }),
		stringMember("addressCountry", func(f *frame) *string { return &f.Postal.Country }),
		{name: "address", read: (*document).readAddress},
	}
	for i := range list {
		list[i].core = false
	}
	return list
}

// readStart reads an instant and how far the clocks of its place are from UTC.
func (d *document) readStart(f *frame) error {
	s, err := d.str()
	f.StartTime = parseTime(s)
	if !f.StartTime.IsZero() {
		f.StartOffset = offsetOf(s)
	}
	return err
}

// offsetOf is the offset at the end of a date, such as +01:00; none for UTC.
func offsetOf(s string) string {
	s = strings.ReplaceAll(strings.TrimSpace(s), " ", "")
	i := strings.LastIndexAny(s, "+-")
	if i < len("2026-12-01") {
		return ""
	}
	digits := strings.Replace(s[i+1:], ":", "", 1)
	if len(digits) != 4 || strings.Trim(digits, "0123456789") != "" || digits > "1459" || digits == "0000" {
		return ""
	}
	return s[i:i+1] + digits[:2] + ":" + digits[2:]
}

// readAddress reads an address: a text, or a PostalAddress.
func (d *document) readAddress(f *frame) error {
	switch d.dec.PeekKind() {
	case '"':
		s, err := d.readString()
		f.Address = s
		return err
	case '{':
		o, err := d.object()
		if o != nil {
			f.Address = o.Address
			if f.Address == "" {
				f.Address = o.Postal.line(o.Name.Value)
			}
		}
		return err
	default:
		return d.skip()
	}
}

// line writes an address as people do: street, code and town, country.
func (a PostalAddress) line(name string) string {
	var parts []string
	for _, part := range []string{name, a.Street, strings.TrimSpace(a.Code + " " + a.Locality), a.Region, a.Country} {
		if part = strings.TrimSpace(part); part != "" && (len(parts) == 0 || parts[len(parts)-1] != part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}
