package ap

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// params is the path below the mount point, cut at the slashes that were sent,
// each part unescaped exactly once. The router's own parameters are unescaped
// or not, depending on how they were spelt. nil if the path cannot be read.
func (s *Server) params(r *http.Request) []string {
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), s.cfg.Path+"/")
	if !ok {
		return nil
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		u, err := url.PathUnescape(p)
		if err != nil || u == "" || !utf8.ValidString(u) || strings.IndexFunc(u, unicode.IsControl) >= 0 {
			return nil
		}
		parts[i] = u
	}
	return parts
}

// path writes a path below the mount point.
func (s *Server) path(parts ...string) string {
	var b strings.Builder
	b.WriteString(s.cfg.Path)
	for _, p := range parts {
		b.WriteString("/" + url.PathEscape(p))
	}
	return b.String()
}

// canonicalHost is a host in the form that is compared: lower case, without
// the default port of https.
func canonicalHost(h string) string {
	return strings.TrimSuffix(strings.ToLower(h), ":443")
}

// host is the name that the peer asked for, as it was sent, and whether it is
// ours. It is the Host header; a proxy that hides that may say what it was, if
// it is one that we trust (SEC-50).
func (s *Server) host(r *http.Request) (host string, ours bool) {
	if s.isOurs(r.Host) {
		return r.Host, true
	}
	if values := r.Header.Values("X-Forwarded-Host"); len(values) > 0 && s.fromProxy(r) {
		list := strings.Split(values[len(values)-1], ",")
		host = strings.TrimSpace(list[len(list)-1]) // what the nearest proxy added
		return host, s.isOurs(host)
	}
	return r.Host, false
}

func (s *Server) isOurs(host string) bool { return s.hosts[canonicalHost(host)] }

// fromProxy tells whether a request came over a proxy that we trust.
func (s *Server) fromProxy(r *http.Request) bool {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && slices.ContainsFunc(s.cfg.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(a.Addr().Unmap()) })
}
