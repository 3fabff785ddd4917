package sig

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// testKey is a key for the tests of this package.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

const keyID = "https://mast.test/users/alice#main-key"

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func policy() Policy {
	return Policy{Now: now, Hosts: func(h string) bool { return h == "example.org" || h == "example.org:8443" }}
}

// signed is a request as it arrives: signed by Sign, then read off the wire.
func signed(t testing.TB, method, target, host string, body []byte) Request {
	t.Helper()
	var r *http.Request
	var err error
	r, err = http.NewRequest(method, "https://"+host+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/activity+json")
	} else {
		r.Header.Set("Accept", "application/activity+json")
	}
	if err := Sign(r, body, keyID, testKey(), now); err != nil {
		t.Fatal(err)
	}
	return Request{Method: method, Target: r.URL.RequestURI(), Host: host, Header: r.Header, Body: body}
}

// TestSignedHeader has the very shape that peers expect (S1, 1.12).
func TestSignedHeader(t *testing.T) {
	r := signed(t, "POST", "/inbox", "mast.test", []byte("{}"))
	want := `keyId="` + keyID + `",algorithm="rsa-sha256",headers="(request-target) host date digest content-type",signature="`
	if got := r.Header.Get("Signature"); !strings.HasPrefix(got, want) {
		t.Errorf("Signature: %s", got)
	}
	if got := r.Header.Get("Digest"); got != "SHA-256=RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=" {
		t.Errorf("Digest: %s", got)
	}
	if got := r.Header.Get("Date"); got != "Sat, 21 Nov 2026 11:59:59 GMT" {
		t.Errorf("Date: %s, which must be a second behind (S2)", got)
	}
	if _, ok := r.Header["Host"]; ok {
		t.Error("a Host header was put into the request")
	}
	r = signed(t, "GET", "/users/alice", "mast.test", nil)
	if got := r.Header.Get("Signature"); !strings.Contains(got, `headers="(request-target) host date accept"`) || r.Header.Get("Digest") != "" {
		t.Errorf("GET: %s", got)
	}
}

// TestSignTwice signs a request anew: one signature, a new date (S2).
func TestSignTwice(t *testing.T) {
	r, _ := http.NewRequest("POST", "https://example.org/inbox", nil)
	for i := range 2 {
		if err := Sign(r, []byte("x"), keyID, testKey(), now.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.Header["Signature"]) != 1 || len(r.Header["Digest"]) != 1 || r.Header.Get("Date") != "Sat, 21 Nov 2026 12:59:59 GMT" {
		t.Errorf("%v", r.Header)
	}
	if err := Sign(r, nil, `a"b`, testKey(), now); err == nil {
		t.Error("a key id with a quote was signed with")
	}
	if err := Sign(r, nil, keyID, nil, now); err == nil {
		t.Error("signed without a key")
	}
}

// TestRoundTrip verifies what we sign, whatever the path and the query are.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		target := "/" + rapid.StringMatching(`([a-zA-Z0-9@._~!$&'()*+,;=:-]|%40|%2F|%2f|%25|%3F|%C3%A9|/){0,20}(\?([a-z0-9=&%+/?]|%40){0,12})?`).Draw(r, "target")
		if strings.Contains(strings.ReplaceAll(target, "//", ""), "%") && strings.HasSuffix(target, "%") || strings.HasPrefix(target, "//") {
			return
		}
		if strings.Contains(target, "?") && strings.Contains(strings.SplitN(target, "?", 2)[1], "%") {
			return // a stray % is no query that a client can send
		}
		req := signed(t, "POST", target, "example.org", []byte(`{"a":1}`))
		if req.Target != target {
			r.Fatalf("the client sends %q for %q", req.Target, target)
		}
		s, err := Verify(req, policy())
		if err != nil {
			r.Fatal(err)
		}
		if s.KeyID != keyID || s.Digest != sha256.Sum256(req.Body) {
			r.Fatalf("%+v", s)
		}
		if err := s.VerifyWith(&testKey().PublicKey); err != nil {
			r.Fatalf("%s: %v", target, err)
		}
	})
}

// handSigned is a request whose signing string is written here, by hand.
func handSigned(t testing.TB, r Request, params string, lines ...string) Request {
	t.Helper()
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	b, err := rsa.SignPKCS1v15(nil, testKey(), crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Signature", params+`,signature="`+base64.StdEncoding.EncodeToString(b)+`"`)
	return r
}

// get is an unsigned GET.
func get(target string) Request {
	return Request{Method: "GET", Target: target, Host: "example.org", Header: http.Header{"Date": {now.Format(http.TimeFormat)}}}
}

// TestDialects verifies signatures as other software makes them.
func TestDialects(t *testing.T) {
	date := "date: " + now.Format(http.TimeFormat)
	head := `keyId="` + keyID + `",headers="(request-target) host date"`
	created := strconv.FormatInt(time.Now().Unix(), 10) // go-fed/httpsig looks at the clock itself
	post := func() Request {
		r := get("/inbox")
		r.Method, r.Body = "POST", []byte("{}")
		r.Header.Set("Digest", "SHA-256=RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=")
		return r
	}
	digest := "digest: SHA-256=RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o="
	for name, r := range map[string]Request{
		"query":          handSigned(t, get("/x?a=1"), head, "(request-target): get /x?a=1", "host: example.org", date),
		"query left out": handSigned(t, get("/x?a=1"), head, "(request-target): get /x", "host: example.org", date),
		"bare ?":         handSigned(t, get("/x?"), head, "(request-target): get /x?", "host: example.org", date),
		"bare ? lost":    handSigned(t, get("/x?"), head, "(request-target): get /x", "host: example.org", date),
		"escaped path":   handSigned(t, get("/_ap/actor/a%40b%2Fc"), head, "(request-target): get /_ap/actor/a%40b%2Fc", "host: example.org", date),
		"spaces after commas": handSigned(t, get("/x"), `keyId="`+keyID+`", algorithm="hs2019" , headers="(request-target) host date" `,
			"(request-target): get /x", "host: example.org", date),
		"comma in key id": handSigned(t, get("/x"), `keyId="https://mast.test/a,b=\"c",headers="(request-target) host date"`,
			"(request-target): get /x", "host: example.org", date),
		"upper-case header names": handSigned(t, get("/x"), `keyId="`+keyID+`",headers="(request-target) Host Date"`,
			"(request-target): get /x", "host: example.org", date),
		"unknown parameter": handSigned(t, get("/x"), `opaque="1",`+head, "(request-target): get /x", "host: example.org", date),
		"created": handSigned(t, get("/x"), `keyId="k",algorithm="hs2019",created=`+created+`,headers="(request-target) host (created)"`,
			"(request-target): get /x", "host: example.org", "(created): "+created),
		"created in quotes": handSigned(t, get("/x"), `keyId="k",created="`+created+`",headers="(request-target) host (created)"`,
			"(request-target): get /x", "host: example.org", "(created): "+created),
		"GoToSocial's POST": handSigned(t, post(), `keyId="k",algorithm="hs2019",headers="(request-target) host date digest"`,
			"(request-target): post /inbox", "host: example.org", date, digest),
		"snac's POST": handSigned(t, post(), `keyId="k",algorithm="rsa-sha256",headers="(request-target) host digest date"`,
			"(request-target): post /inbox", "host: example.org", digest, date),
	} {
		p := policy()
		if strings.HasPrefix(name, "created") {
			p.Now = time.Now()
		}
		s, err := Verify(r, p)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := s.VerifyWith(&testKey().PublicKey); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRefused changes one thing of a good request each time (SEC-14, SEC-15,
// SEC-19).
func TestRefused(t *testing.T) {
	replace := func(old, with string) func(*Request) {
		return func(r *Request) {
			s := r.Header.Get("Signature")
			if !strings.Contains(s, old) {
				t.Fatalf("no %q in %s", old, s)
			}
			r.Header.Set("Signature", strings.Replace(s, old, with, 1))
		}
	}
	const rightDigest = "SHA-256=RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o="
	list := `headers="(request-target) host date digest content-type"`
	for _, c := range []struct {
		name   string
		kind   Kind
		change func(*Request)
	}{
		{"nothing", "", func(*Request) {}},
		{"header names in another case", "", replace("host date", "Host Date")},
		{"unsigned", Missing, func(r *Request) { r.Header.Del("Signature") }},
		{"RFC 9421", Missing, func(r *Request) {
			r.Header.Set("Signature-Input", `sig1=("@method")`)
			r.Header.Set("Signature", "sig1=:AAAA:")
		}},
		{"two headers", Malformed, func(r *Request) { r.Header.Add("Signature", r.Header.Get("Signature")) }},
		{"parameter twice", Malformed, replace(`keyId=`, `keyId="x",keyId=`)},
		{"headers twice", Malformed, replace(`headers=`, `headers="date",headers=`)},
		{"no key id", Malformed, replace(`keyId="`+keyID+`",`, ``)},
		{"empty key id", Malformed, replace(keyID, ``)},
		{"no signature", Malformed, replace(`,signature="`, `,sig="`)},
		{"quote open", Malformed, replace(`",algorithm`, `,algorithm`)},
		{"garbage", Malformed, func(r *Request) { r.Header.Set("Signature", "garbage") }},
		{"empty", Malformed, func(r *Request) { r.Header.Set("Signature", "") }},
		{"empty list", Malformed, replace(list, `headers=""`)},
		{"no list", Weak, replace(list+",", ``)},
		{"target unsigned", Weak, replace("(request-target) ", "")},
		{"host unsigned", Weak, replace(" host", "")},
		{"date unsigned", Weak, replace(" date", "")},
		{"digest unsigned", Weak, replace(" digest", "")},
		{"created without value", Malformed, replace(`rsa-sha256",headers="(request-target) host date`, `hs2019",headers="(request-target) host (created)`)},
		{"created with rsa-sha256", Malformed, replace(`headers="(request-target) host date`, `created=1795262400,headers="(request-target) host (created)`)},
		{"created a minute ahead", Stale, replace(`rsa-sha256",headers="(request-target) host date`,
			`hs2019",created=`+strconv.FormatInt(now.Unix()+60, 10)+`,headers="(request-target) host (created)`)},
		{"created two hours ago", Stale, replace(`rsa-sha256",headers="(request-target) host date`,
			`hs2019",created=`+strconv.FormatInt(now.Unix()-7200, 10)+`,headers="(request-target) host (created)`)},
		{"created not a number", Malformed, replace(`algorithm`, `created=soon,algorithm`)},
		{"signed header missing", Malformed, replace("content-type", "x-zebra")},
		{"not a header", Malformed, replace("content-type", "con(tent")},
		{"hmac", Malformed, replace("rsa-sha256", "hmac-sha256")},
		{"ed25519", Malformed, replace("rsa-sha256", "ed25519")},
		{"rsa-sha1", Malformed, replace("rsa-sha256", "rsa-sha1")},
		{"signature empty", Malformed, func(r *Request) {
			s, _, _ := strings.Cut(r.Header.Get("Signature"), "signature=")
			r.Header.Set("Signature", s+`signature=""`)
		}},
		{"signature no base64", Malformed, replace(`signature="`, `signature="~`)},
		{"no date", Malformed, func(r *Request) { r.Header.Del("Date") }},
		{"two dates", Malformed, func(r *Request) { r.Header.Add("Date", r.Header.Get("Date")) }},
		{"odd date", Malformed, func(r *Request) { r.Header.Set("Date", "yesterday") }},
		{"date moved", Bad, func(r *Request) { r.Header.Set("Date", now.Add(time.Minute).Format(http.TimeFormat)) }},
		{"two hours old", Stale, func(r *Request) { r.Header.Set("Date", now.Add(-2*time.Hour).Format(http.TimeFormat)) }},
		{"two hours ahead", Stale, func(r *Request) { r.Header.Set("Date", now.Add(2*time.Hour).Format(http.TimeFormat)) }},
		{"expired", Stale, replace(`algorithm`, `expires=1795262399,algorithm`)},
		{"expires in 9999", "", replace(`algorithm`, `expires=253402300799,algorithm`)},
		{"other body", Digest, func(r *Request) { r.Body = []byte("[]") }},
		{"no digest", Malformed, func(r *Request) { r.Header.Del("Digest") }},
		{"other algorithm only", Digest, func(r *Request) { r.Header.Set("Digest", "SHA-512=AAAA") }},
		{"weak algorithm only", Digest, func(r *Request) { r.Header.Set("Digest", "MD5=mZFLkyvTelC5g8XnyQrpOw==") }},
		{"two digests", Digest, func(r *Request) { r.Header["Digest"] = []string{rightDigest, "SHA-256=AAAA"} }},
		{"two digests in one", Digest, func(r *Request) { r.Header.Set("Digest", "SHA-256=AAAA,"+rightDigest) }},
		{"right and another", Digest, func(r *Request) { r.Header.Set("Digest", rightDigest+",SHA-512=AAAA") }},
		{"digest without name", Digest, func(r *Request) { r.Header.Set("Digest", "RBNvo1WzZ4oRRq0W9") }},
		{"right digest, spelt otherwise", Bad, func(r *Request) { r.Header.Set("Digest", "sha-256"+rightDigest[7:]) }},
		{"other host", WrongHost, func(r *Request) { r.Host = "other.test" }},
		{"other host of ours", Bad, func(r *Request) { r.Host = "example.org:8443" }},
		{"no host", WrongHost, func(r *Request) { r.Host = "" }},
		{"other path", Bad, func(r *Request) { r.Target = "/outbox" }},
		{"other method", Bad, func(r *Request) { r.Method = "PUT" }},
		{"whole URL as target", Malformed, func(r *Request) { r.Target = "https://example.org/inbox" }},
		{"fewer headers", Bad, replace(" content-type", "")},
		{"other order", Bad, replace("host date", "date host")},
	} {
		r := signed(t, "POST", "/inbox", "example.org", []byte("{}"))
		c.change(&r)
		s, err := Verify(r, policy())
		if err == nil {
			err = s.VerifyWith(&testKey().PublicKey)
		}
		var e *Error
		if errors.As(err, &e); e == nil {
			e = &Error{}
		}
		if e.Kind != c.kind || e.Kind != "" && (e.Rule == "" || e.Reason == "" || strings.Contains(e.Reason, "mast.test")) {
			t.Errorf("%s: %q (%s: %s), not %q", c.name, e.Kind, e.Rule, e.Reason, c.kind)
		}
	}
}

// TestKeys refuses keys that are not the right one, or none at all (S10).
func TestKeys(t *testing.T) {
	s, err := Verify(signed(t, "GET", "/x", "example.org", nil), policy())
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]*rsa.PublicKey{"none": nil, "empty": {}, "another": &other.PublicKey} {
		if err := s.VerifyWith(k); err == nil {
			t.Errorf("%s: verified", name)
		}
	}
	s.minBits = 3072
	if err := s.VerifyWith(&testKey().PublicKey); err == nil {
		t.Error("a key under the minimum verified")
	}
}

// TestDigestOnGET checks a digest that a GET brings along, as snac's do.
func TestDigestOnGET(t *testing.T) {
	empty := "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	r := get("/x")
	r.Header.Set("Digest", empty)
	lines := []string{"(request-target): get /x", "host: example.org", "digest: " + empty, "date: " + now.Format(http.TimeFormat)}
	r = handSigned(t, r, `keyId="k",headers="(request-target) host digest date"`, lines...)
	s, err := Verify(r, policy())
	if err != nil || s.VerifyWith(&testKey().PublicKey) != nil {
		t.Errorf("%v", err)
	}
	r.Header.Set("Digest", "SHA-256=AAAA")
	if _, err := Verify(r, policy()); err == nil {
		t.Error("a wrong digest passed")
	}
}
