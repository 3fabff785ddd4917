package main

import (
	"context"
	"crypto/sha1" //nolint:gosec // XEP-0114 has no other
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"syscall"

	"isthmus/config"
)

// errHandshake is a refusal by the XMPP server; it wraps the stream error.
var errHandshake = errors.New("the server refuses the component")

// tryComponent connects as the component, once, and leaves again (XEP-0114 §3).
// It must not be used while the gateway runs: the server would end one of the two.
func tryComponent(ctx context.Context, x config.XMPP) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", x.Server)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	const open = "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='%s'>"
	if _, err := fmt.Fprintf(conn, open, x.Component); err != nil { // a domain name needs no escaping
		return err
	}
	dec := xml.NewDecoder(conn)
	header, err := nextElement(dec)
	if err != nil {
		return fmt.Errorf("it does not speak XMPP: %w", err)
	}
	id := ""
	for _, a := range header.Attr {
		if a.Name.Local == "id" {
			id = a.Value
		}
	}
	sum := sha1.Sum([]byte(id + x.Secret)) //nolint:gosec // XEP-0114 has no other
	if _, err := fmt.Fprintf(conn, "<handshake>%s</handshake>", hex.EncodeToString(sum[:])); err != nil {
		return err
	}
	answer, err := nextElement(dec)
	if err != nil {
		return fmt.Errorf("it ends the handshake: %w", err)
	}
	if answer.Name.Local == "handshake" {
		_, _ = fmt.Fprint(conn, "</stream:stream>") // it knows by now
		return nil
	}
	condition, err := nextElement(dec)
	if err != nil {
		return errHandshake
	}
	return fmt.Errorf("%w: %.60q", errHandshake, condition.Name.Local)
}

func nextElement(dec *xml.Decoder) (xml.StartElement, error) {
	for {
		tok, err := dec.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		if el, ok := tok.(xml.StartElement); ok {
			return el, nil
		}
	}
}

func remedyXMPP(err error, x config.XMPP) string {
	switch {
	case errors.Is(err, errHandshake):
		return fmt.Sprintf("give the XMPP server the component %s with the same secret; isthmus init shows how", x.Component)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "start the XMPP server, and let it listen for components there (component_ports in Prosody, ejabberd_service in ejabberd), or correct xmpp.server"
	}
	return "see that xmpp.server is the address for components (often port 5347), not the one for clients"
}
