package translate

import (
	"cmp"
	"strings"
	"time"
	_ "time/tzdata" // the zones of events are known on machines without a table of their own

	"isthmus/ap/as2"
)

// readEvent reads when and where: the first place, and the first address in the
// web of several locations.
func readEvent(p *Post, o *as2.Object) {
	e := Event{Start: utc(o.StartTime), End: utc(o.EndTime)}
	if !e.Start.IsZero() {
		e.Zone = cmp.Or(cleanZone(o.Timezone), cleanZone(o.StartOffset))
	}
	for _, l := range cut(o.Location, 8) {
		if online := onlineOf(l); online != "" {
			e.Online = cmp.Or(e.Online, online)
			continue
		}
		if e.Place == "" && e.Address == "" {
			e.Place, e.Address = cutRunes(plainTitle(l.Name.Value), maxTitle), cutRunes(plainTitle(l.Address), maxTitle)
			if e.Place == e.Address {
				e.Address = ""
			}
		}
	}
	if e != (Event{Zone: e.Zone}) {
		p.Event = &e
	}
}

// onlineOf is the address of a location that is nowhere on earth.
func onlineOf(l *as2.Object) string {
	if l.Type() == as2.TypePlace && l.Name.Value+l.Address != "" {
		return ""
	}
	for _, u := range l.URL {
		if href := webHref(u.Href); href != "" {
			return href
		}
	}
	return ""
}

// cleanZone keeps what zone can read.
func cleanZone(name string) string {
	if zone(name) == nil {
		return ""
	}
	return name
}

// zone is the zone of a name or an offset, or nil.
func zone(name string) *time.Location {
	if len(name) < 3 || len(name) > 64 || name == "Local" {
		return nil
	}
	if t, err := time.Parse("-07:00", name); err == nil {
		_, seconds := t.Zone()
		return time.FixedZone("UTC"+name, seconds)
	}
	if name[0] == '/' || strings.Contains(name, "..") || strings.ContainsAny(name, `\`+htmlSpace) {
		return nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return loc
}

// eventHTML says when and where.
func eventHTML(e *Event) string {
	var lines []string
	for _, line := range []string{e.when(), e.Place, e.Address} {
		if line != "" {
			lines = append(lines, escape(line))
		}
	}
	if e.Online != "" {
		lines = append(lines, "<a"+attr("href", e.Online)+">"+escape(e.Online)+"</a>")
	}
	if len(lines) == 0 {
		return ""
	}
	return "<p>" + strings.Join(lines, "<br/>") + "</p>"
}

// when is the time of an event as people there tell it, with the zone; a day is
// named once, and what takes whole days has no hours.
func (e *Event) when() string {
	loc := cmp.Or(zone(e.Zone), time.UTC)
	start, end := e.Start, e.End
	if start.IsZero() && end.IsZero() {
		return ""
	}
	const day, hour = "2006-01-02", "15:04"
	in := " (" + loc.String() + ")"
	if loc == time.UTC {
		in = " UTC"
	}
	start, end = start.In(loc), end.In(loc)
	switch {
	case e.End.IsZero() || e.End.Equal(e.Start):
		return start.Format(day+" "+hour) + in
	case e.Start.IsZero():
		return "– " + end.Format(day+" "+hour) + in
	}
	last := end.Add(-time.Second)
	if start.Format(hour) == "00:00" && (end.Format(hour) == "00:00" || end.Format(hour) == "23:59") && loc != time.UTC && last.After(start) {
		if start.Format(day) == last.Format(day) {
			return start.Format(day)
		}
		return start.Format(day) + " – " + last.Format(day)
	}
	if start.Format(day) == end.Format(day) {
		return start.Format(day+" "+hour) + " – " + end.Format(hour) + in
	}
	return start.Format(day+" "+hour) + " – " + end.Format(day+" "+hour) + in
}
