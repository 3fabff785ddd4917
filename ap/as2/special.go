package as2

// readID reads the id of an object. It is a string or nothing (L12): a number,
// or a text that cannot be an id, must not pass for one.
func (d *document) readID(f *frame) error {
	if d.dec.PeekKind() != '"' {
		return d.skip()
	}
	s, err := d.readString()
	if err != nil || s == "" {
		return err
	}
	if !usable(s, maxID) {
		return errID
	}
	f.ID = s
	return nil
}

// readTypes reads the types (V21).
func (d *document) readTypes(f *frame) error {
	return d.each(func() error {
		if d.dec.PeekKind() != '"' || len(f.Types) >= maxTypes {
			return d.skip()
		}
		s, err := d.readString()
		if s != "" {
			f.Types = append(f.Types, localName(s))
		}
		return err
	})
}

// readTags reads the tags, with fewer mentions than others (L13).
func (d *document) readTags(f *frame) error {
	var all []*Object
	if err := d.refs(&all, maxTags); err != nil {
		return err
	}
	mentions := 0
	for _, t := range all {
		if t.Type() == TypeMention {
			if mentions++; mentions > maxMentions {
				continue
			}
		}
		f.Tag = append(f.Tag, t)
	}
	return nil
}

// readFirst reads the first page of a collection: its id, or the page.
func (d *document) readFirst(f *frame) error {
	var list []*Object
	err := d.refs(&list, 1)
	if len(list) > 0 {
		f.First = list[0]
	}
	return err
}

// readSource reads what the content was written as.
func (d *document) readSource(f *frame) error {
	switch d.dec.PeekKind() {
	case '"':
		s, err := d.readString()
		if s != "" {
			f.Source = &Source{Content: s}
		}
		return err
	case '{':
		o, err := d.object()
		if o != nil && o.Content.Value != "" {
			f.Source = &Source{Content: o.Content.Value, MediaType: o.MediaType}
		}
		return err
	default:
		return d.skip()
	}
}

// readURL reads the ways to reach an object: strings and Links, mixed.
func (d *document) readURL(f *frame) error {
	return d.each(func() error {
		k := d.dec.PeekKind()
		if k != '"' && k != '{' || len(f.URL) >= maxRefs {
			return d.skip()
		}
		var link Link
		if k == '"' {
			s, err := d.readString()
			if err != nil {
				return err
			}
			link.Href = s
		} else {
			o, err := d.object()
			if err != nil || o == nil {
				return err
			}
			link = Link{Href: o.Href, MediaType: o.MediaType, Rel: o.Rel}
			if link.Href == "" {
				link.Href = o.ID
			}
		}
		if usable(link.Href, maxURL) {
			f.URL = append(f.URL, link)
		}
		return nil
	})
}

// readEndpoints reads the addresses of an actor's server (A7).
func (d *document) readEndpoints(f *frame) error {
	if d.dec.PeekKind() != '{' {
		return d.skip()
	}
	o, err := d.object()
	if o != nil {
		f.SharedInbox = o.SharedInbox
	}
	return err
}

// readFocalPoint reads the point of a picture that must stay visible (N9).
func (d *document) readFocalPoint(f *frame) error {
	var point [2]float64
	n := 0
	err := d.each(func() error {
		v, err := d.dec.ReadValue()
		if err != nil {
			return err
		}
		if x, ok := coordinate(v); ok && n < 2 {
			point[n] = x
			n++
		} else {
			n = len(point) + 1
		}
		return nil
	})
	if n == len(point) {
		f.FocalPoint = &point
	}
	return err
}

// readKeys reads the keys of an actor (A6). A key that is only named has no
// PEM.
func (d *document) readKeys(f *frame) error {
	var list []*Object
	if err := d.refs(&list, maxKeys); err != nil {
		return err
	}
	for _, o := range list {
		switch {
		case len(o.PublicKeys) > 0:
			f.PublicKeys = append(f.PublicKeys, o.PublicKeys[0])
		case o.ID != "":
			f.PublicKeys = append(f.PublicKeys, PublicKey{ID: o.ID})
		}
	}
	return nil
}
