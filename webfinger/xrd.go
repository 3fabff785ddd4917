package webfinger

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
)

const nsXRD = "http://docs.oasis-open.org/ns/xri/xrd-1.0"

// Bounds of a foreign host-meta document (SEC-38).
const (
	maxXRDDepth  = 8
	maxXRDTokens = 1000
)

var errMarkup = errors.New("host-meta may hold neither DTD nor processing instructions")

// parseXRD returns the template of the lrdd link of a host-meta document, empty
// if it has none (RFC 6415 §3). Nothing in it is ever expanded: a DTD ends it.
func parseXRD(body []byte) (string, error) {
	if len(body) > MaxDocument {
		return "", fmt.Errorf("document of %d bytes is over the limit", len(body))
	}
	dec := xml.NewDecoder(bytes.NewReader(body))
	template, depth := "", 0
	for range maxXRDTokens {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return template, nil
		}
		if err != nil {
			return "", fmt.Errorf("read host-meta: %w", err)
		}
		switch t := tok.(type) {
		case xml.Directive:
			return "", errMarkup
		case xml.ProcInst:
			if t.Target != "xml" {
				return "", errMarkup
			}
		case xml.StartElement:
			depth++
			if depth > maxXRDDepth {
				return "", errors.New("host-meta is nested too deeply")
			}
			if depth == 1 && (t.Name != xml.Name{Space: nsXRD, Local: "XRD"}) {
				return "", fmt.Errorf("host-meta is a %.40q", t.Name.Local)
			}
			if depth == 2 && template == "" {
				template = lrddTemplate(t)
			}
		case xml.EndElement:
			depth--
		}
	}
	return "", errors.New("host-meta is too long")
}

func lrddTemplate(e xml.StartElement) string {
	if (e.Name != xml.Name{Space: nsXRD, Local: "Link"}) {
		return ""
	}
	rel, template := "", ""
	for _, a := range e.Attr {
		switch a.Name {
		case xml.Name{Local: "rel"}:
			rel = a.Value
		case xml.Name{Local: "template"}:
			template = a.Value
		}
	}
	if rel != RelLRDD {
		return ""
	}
	return template
}

// isXMLType tells whether host-meta may come as this media type.
func isXMLType(s string) bool {
	typ, _, err := mime.ParseMediaType(s)
	return err == nil && (typ == TypeXRD || typ == "application/xml" || typ == "text/xml")
}
