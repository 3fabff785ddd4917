package translate

import (
	"strings"
	"testing"

	"isthmus/ap/as2"
)

// Events are shown at the time that people there tell, and at their street.
func TestEventShown(t *testing.T) {
	const place = `"location":{"type":"Place","name":"The park","address":{"type":"PostalAddress","streetAddress":"1 rue des Mousses","postalCode":"69001","addressLocality":"Lyon","addressCountry":"France"}}`
	for name, tt := range map[string]struct{ in, want string }{
		"zone by name": {`"startTime":"2026-12-24T18:00:00+01:00","endTime":"2026-12-24T20:00:00+01:00","timezone":"Europe/Paris",` + place,
			"2026-12-24 18:00 – 20:00 (Europe/Paris)\nThe park\n1 rue des Mousses, 69001 Lyon, France"},
		"zone by name, time in UTC": {`"startTime":"2026-12-24T17:00:00Z","timezone":"Europe/Paris"`, "2026-12-24 18:00 (Europe/Paris)"},
		"summer time":               {`"startTime":"2026-07-01T16:00:00Z","timezone":"Europe/Paris"`, "2026-07-01 18:00 (Europe/Paris)"},
		"offset only":               {`"startTime":"2026-12-24T18:00:00+05:30","endTime":"2026-12-24T19:30:00+05:30"`, "2026-12-24 18:00 – 19:30 (UTC+05:30)"},
		"offset without colon":      {`"startTime":"2026-12-24T18:00:00-0300"`, "2026-12-24 18:00 (UTC-03:00)"},
		"UTC":                       {`"startTime":"2026-12-24T18:00:00Z"`, "2026-12-24 18:00 UTC"},
		"a zone that is none":       {`"startTime":"2026-12-24T18:00:00+01:00","timezone":"../../etc/passwd"`, "2026-12-24 18:00 (UTC+01:00)"},
		"the machine's zone":        {`"startTime":"2026-12-24T18:00:00Z","timezone":"Local"`, "2026-12-24 18:00 UTC"},
		"over midnight":             {`"startTime":"2026-12-31T22:00:00+01:00","endTime":"2027-01-01T02:00:00+01:00"`, "2026-12-31 22:00 – 2027-01-01 02:00 (UTC+01:00)"},
		"a whole day":               {`"startTime":"2026-12-24T00:00:00+01:00","endTime":"2026-12-25T00:00:00+01:00"`, "2026-12-24"},
		"whole days":                {`"startTime":"2026-12-24T00:00:00+01:00","endTime":"2026-12-26T23:59:59+01:00"`, "2026-12-24 – 2026-12-26"},
		"no end":                    {`"startTime":"2026-12-24T18:00:00+01:00"`, "2026-12-24 18:00 (UTC+01:00)"},
		"address as text":           {`"location":{"type":"Place","name":"The park","address":"1 rue des Mousses, Lyon"}`, "The park\n1 rue des Mousses, Lyon"},
		"address without name":      {`"location":{"type":"Place","address":{"type":"PostalAddress","addressLocality":"Lyon"}}`, "Lyon"},
		"address is the name":       {`"location":{"type":"Place","name":"Lyon","address":"Lyon"}`, "Lyon"},
		"markup in an address":      {`"location":{"type":"Place","name":"The park","address":"<b>1 rue</b>"}`, "The park\n1 rue"},
		"online": {`"location":[{"type":"Place","name":"The park"},{"type":"VirtualLocation","url":"https://meet.example/moss"}]`,
			"The park\nhttps://meet.example/moss"},
		"online only": {`"location":{"type":"VirtualLocation","url":"https://meet.example/moss"}`, "https://meet.example/moss"},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := as2.Parse([]byte(`{"@context":"https://www.w3.org/ns/activitystreams","id":"https://events.example/1","type":"Event","attributedTo":"https://events.example/club",` +
				`"name":"Moss walk","content":"<p>We walk.</p>","to":"as:Public",` + tt.in + `}`))
			if err != nil {
				t.Fatal(err)
			}
			p, err := FromAS2(o, AS2Context{Owner: Actor{URI: "https://events.example/club"}})
			if err != nil {
				t.Fatal(err)
			}
			_, text := p.Body()
			if got, _ := strings.CutSuffix(text, "\n\nWe walk."); got != tt.want {
				t.Errorf("%q\nwant %q", got, tt.want)
			}
		})
	}
}
