package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/go-json-experiment/json"

	"isthmus/ap"
	"isthmus/config"
	"isthmus/webfinger"
)

// tricky is what a proxy must leave alone on its way here: escapes that could
// be undone, an escaped slash, a plus, and a query with all of them.
const tricky = "/louise%40example.org/a%2Fb%20c?q=%40%20%2B&r=a%2Fb+c"

// checkPublic asks this very process by the public URL, and tells whether the
// answer came from it.
func (d *doctor) checkPublic(ctx context.Context, domain config.Domain) bool {
	check := "public URL " + domain.URL.String()
	if d.probe == nil {
		d.skip(check, "there was no process to reach", "mend the above first")
		return false
	}
	if !d.checkDNS(ctx, check, domain.URL) {
		return false
	}
	q, err := d.probe(ctx)
	if err != nil {
		d.fail(check, err.Error(), "restart the gateway")
		return false
	}
	sent := d.cfg.HTTP.Path + "/doctor/" + q.Nonce + tricky
	body, _, err := d.client.Fetch(ctx, domain.URL.String()+sent, "application/json", 1<<16)
	if err != nil {
		d.fail(check, whyUnreachable(err, domain.URL), d.remedyPublic(err, domain.URL))
		return false
	}
	var got echo
	if err := json.Unmarshal(body, &got); err != nil || got.Proof != q.Proof {
		d.fail(check, "something answers there, but not this gateway", d.remedyRoute())
		return false
	}
	switch {
	case got.RequestURI != sent:
		d.fail(check, fmt.Sprintf("path or query were changed on the way: sent %s, arrived %s", sent, got.RequestURI),
			"let the proxy pass them on as they come: in nginx, proxy_pass has no path of its own, not even a slash; in Apache, nocanon and AllowEncodedSlashes NoDecode. Signatures cover them")
		return false
	case !strings.EqualFold(got.Host, domain.URL.Host) && !d.forwarded(got, domain.URL.Host):
		d.fail(check, fmt.Sprintf("the host was changed on the way: sent %s, arrived %s", domain.URL.Host, got.Host),
			"let the proxy pass the Host header on: in nginx, proxy_set_header Host $host; in Apache, ProxyPreserveHost On. Signatures cover it")
		return false
	}
	d.ok(check, "reaches this gateway with path, query and %40 unchanged")
	return true
}

// forwarded tells whether a proxy that we trust says which host it was.
func (d *doctor) forwarded(got echo, host string) bool {
	peer, err := netip.ParseAddrPort(got.Peer)
	return err == nil && strings.EqualFold(got.Forwarded, host) &&
		slices.ContainsFunc(d.cfg.HTTP.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) })
}

// checkDNS looks the host up as peers will.
func (d *doctor) checkDNS(ctx context.Context, check string, u *url.URL) bool {
	if _, err := netip.ParseAddr(u.Hostname()); err == nil || u.Hostname() == "localhost" {
		return true
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		d.fail(check, fmt.Sprintf("%s has no address: %v", u.Hostname(), err), "add an A or AAAA record for it that leads to this machine or to the proxy before it")
		return false
	}
	if !slices.ContainsFunc(addrs, func(a netip.Addr) bool { return a.Unmap().Is4() }) {
		d.warn("DNS", fmt.Sprintf("%s has no IPv4 address", u.Hostname()), "servers without IPv6, of which there are many, cannot reach it: add an A record that leads to this machine or to a proxy before it")
	}
	for _, a := range addrs {
		if a = a.Unmap(); a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
			d.warn("DNS", fmt.Sprintf("seen from here, %s is %s, which is not public", u.Hostname(), a),
				"all is well if others see a public address; ask a machine elsewhere: dig "+u.Hostname())
			break
		}
	}
	return true
}

// whyUnreachable says what went wrong in terms of the operator.
func whyUnreachable(err error, u *url.URL) string {
	var unknown x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var verify *tls.CertificateVerificationError
	var timeout net.Error
	switch status := statusOf(err); {
	case status != 0:
		return fmt.Sprintf("a web server answers there with %d, but not this gateway", status)
	case errors.As(err, &unknown):
		return "its certificate is signed by nobody that peers trust"
	case errors.As(err, &wrongName):
		return "its certificate is not for " + u.Hostname()
	case errors.As(err, &verify):
		return "its certificate is not valid: " + verify.Err.Error()
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("nothing listens on port %d", port(u))
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	}
	return err.Error()
}

func (d *doctor) remedyPublic(err error, u *url.URL) string {
	var verify *tls.CertificateVerificationError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "renew the certificate and have the web server read it anew; if it is not over yet, set the clock of this machine"
	case statusOf(err) == http.StatusNotFound:
		return d.remedyRoute() + "; if it does that, it refuses escaped slashes: in Apache, AllowEncodedSlashes NoDecode in the virtual host"
	case statusOf(err) != 0 || errors.Is(err, ap.ErrContent):
		return d.remedyRoute()
	case errors.As(err, &verify):
		return "give the web server a certificate for " + u.Hostname() + " with its whole chain; a CA of your own goes into federation.ca_file"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "start the proxy, or serve https without one (http.tls_cert); see isthmus init for what to paste"
	}
	return "see that the firewall and the router let https through to this machine, and that it can reach its own public address"
}

func (d *doctor) remedyRoute() string {
	return fmt.Sprintf("send %s/, /.well-known/webfinger, /.well-known/nodeinfo and /.well-known/host-meta from the web server to %s", d.cfg.HTTP.Path, d.cfg.HTTP.Listen)
}

// checkDiscovery asks for an actor as a peer would who was given its handle.
// id is what must come out; empty for any.
func (d *doctor) checkDiscovery(ctx context.Context, handle, id string) {
	check := "WebFinger of " + handle
	if d.plain(hostOf(handle)) {
		d.skip(check, "it is asked by https only, which a URL for development lacks", "")
		if id != "" {
			d.checkActor(ctx, id)
		}
		return
	}
	account, err := webfinger.NewClient(d.client).Lookup(ctx, handle)
	switch {
	case errors.Is(err, webfinger.ErrNotFound) && id != "": // we answer for it, whoever has linked
		d.fail(check, "something else answers there, and does not know it", d.remedyRoute())
		return
	case errors.Is(err, webfinger.ErrNotFound):
		d.fail(check, "there is no such actor", "a user is one after: isthmus link JID. If it is one, see that /.well-known/webfinger reaches this gateway")
		return
	case errors.Is(err, webfinger.ErrWrong):
		d.fail(check, err.Error(), "let nothing else answer /.well-known/webfinger for that name, and nothing change the answer")
		return
	case err != nil && !d.isOurs(hostOf(handle)):
		d.fail(check, err.Error(), remedyEgress)
		return
	case err != nil:
		d.fail(check, err.Error(), d.remedyRoute())
		return
	case id != "" && account.ActorURL != id:
		d.fail(check, fmt.Sprintf("it leads to %s, not to %s", account.ActorURL, id), "let nothing else answer /.well-known/webfinger for that name")
		return
	}
	d.ok(check, "leads to "+account.ActorURL)
	d.checkActor(ctx, account.ActorURL)
}

// hostOf is the host of a handle.
func hostOf(handle string) string { return handle[strings.LastIndexByte(handle, '@')+1:] }

// plain tells whether a host of ours is reached without https.
func (d *doctor) plain(host string) bool {
	for _, domain := range d.cfg.Domains {
		if domain.URL.Host == host && domain.URL.Scheme == "http" {
			return true
		}
	}
	return false
}

// checkActor fetches an actor as a peer does before it accepts anything from it.
func (d *doctor) checkActor(ctx context.Context, id string) {
	check := "actor " + id
	doc, err := d.client.Get(ctx, id, nil)
	switch {
	case statusOf(err) == http.StatusUnauthorized && d.cfg.Federation.RequireSignedFetch:
		d.skip(check, "it wants signed requests (require_signed_fetch)", "")
		return
	case err != nil:
		d.fail(check, err.Error(), d.remedyRoute())
		return
	case doc.Object.ID != id || doc.URL != id:
		d.fail(check, fmt.Sprintf("what stands there calls itself %s", doc.Object.ID), "let the proxy pass the Host header and the path on unchanged, and redirect nothing")
		return
	}
	for _, k := range doc.Object.PublicKeys {
		block, _ := pem.Decode([]byte(k.PEM))
		if block == nil {
			continue
		}
		if _, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil && k.Owner == id {
			d.ok(check, "has its id, its inbox and its key")
			return
		}
	}
	d.fail(check, "it has no usable key", "restore the database from a backup: peers cannot verify its signatures")
}
