package sig

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// vectors is where public test data is, beside the repository.
const vectors = "../../../shared/vectors"

// readVectors decodes a file of test data; false if there is none.
func readVectors(t *testing.T, name string, into any) bool {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectors, name))
	if err != nil {
		t.Logf("no test data: %v", err)
		return false
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
	return true
}

// readKey reads the key pair of a folder of test data.
func readKey(t *testing.T, folder string) *rsa.PrivateKey {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectors, folder, "rsa.private"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	k, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// vectorRequest is a request of the test data.
type vectorRequest struct {
	Method  string      `json:"method"`
	Target  string      `json:"target"`
	Headers [][2]string `json:"headers"`
	Body    string      `json:"body"`
}

func (v vectorRequest) request(signature string) Request {
	r := Request{Method: v.Method, Target: v.Target, Header: http.Header{"Signature": {signature}}, Body: []byte(v.Body)}
	for _, h := range v.Headers {
		if h[0] == "Host" {
			r.Host = h[1]
		} else {
			r.Header.Add(h[0], h[1])
		}
	}
	return r
}

// The times of the draft's requests: their Date, and between (created) and
// (expires).
var (
	dated   = time.Date(2014, 1, 5, 21, 31, 40, 0, time.UTC)
	created = time.Unix(1402170697, 0)
)

// at runs f at a time when the requests of the draft were fresh.
func at(t *testing.T, then time.Time, f func(t *testing.T, p Policy)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(then))
		f(t, Policy{Now: time.Now(), MinBits: 1024, Hosts: func(h string) bool { return h == "example.com" }})
	})
}

// TestCavageVectors verifies the signatures of the draft. Most of them cover
// less than we ask for, so the policy is tested apart from the arithmetic.
func TestCavageVectors(t *testing.T) {
	var file struct {
		Request vectorRequest `json:"request"`
		Cases   []struct {
			Name            string   `json:"name"`
			Headers         []string `json:"headers"`
			SignatureHeader string   `json:"signatureHeader"`
			Valid           bool     `json:"valid"`
			HeadersPresent  bool     `json:"headersParamPresent"`
		} `json:"cases"`
	}
	if !readVectors(t, "cavage-12/vectors.json", &file) {
		return
	}
	key := &readKey(t, "cavage-12/keys").PublicKey
	at(t, created, func(t *testing.T, _ Policy) {
		for _, c := range file.Cases {
			parsed, err := parseParams(c.SignatureHeader)
			if err != nil {
				t.Errorf("%s: %v", c.Name, err)
				continue
			}
			if !c.HeadersPresent {
				parsed.headers = c.Headers // the drafts do not agree on the default
			}
			s := &Signature{request: file.Request.request(c.SignatureHeader), params: parsed, minBits: 1024}
			if err := s.VerifyWith(key); (err == nil) != c.Valid {
				t.Errorf("%s: %v", c.Name, err)
			}
		}
	})
	at(t, dated, func(t *testing.T, p Policy) {
		enough := map[string]bool{"fediverse-inbox-post": true, "all-headers-draft10": true}
		for _, c := range file.Cases {
			s, err := Verify(file.Request.request(c.SignatureHeader), p)
			if err == nil {
				err = s.VerifyWith(key)
			}
			if (err == nil) != enough[c.Name] {
				t.Errorf("%s: %v", c.Name, err)
			}
		}
	})
}

// TestCavageNegative refuses what must be refused.
func TestCavageNegative(t *testing.T) {
	var cases []struct {
		Name            string        `json:"name"`
		Request         vectorRequest `json:"request"`
		SignatureHeader string        `json:"signatureHeader"`
	}
	if !readVectors(t, "cavage-12/negative.json", &cases) {
		return
	}
	key := &readKey(t, "cavage-12/keys").PublicKey
	at(t, dated, func(t *testing.T, p Policy) {
		for _, c := range cases {
			s, err := Verify(c.Request.request(c.SignatureHeader), p)
			if err == nil {
				err = s.VerifyWith(key)
			}
			if err == nil {
				t.Errorf("%s: accepted", c.Name)
			}
			t.Logf("%s: %v", c.Name, err)
		}
	})
}

// checkString makes sure that the library signs the very string that is
// wanted: a signature over that string verifies.
func checkString(t *testing.T, r Request, p params, want string) {
	t.Helper()
	key := testKey()
	sum := sha256.Sum256([]byte(want))
	b, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	p.keyID, p.signature = "k", base64.StdEncoding.EncodeToString(b)
	if err := (&Signature{request: r, params: p, minBits: 1024}).VerifyWith(&key.PublicKey); err != nil {
		t.Errorf("%v: not the string %q", p.headers, want)
	}
}

// readRequest reads a request as a server would.
func readRequest(t *testing.T, raw string) Request {
	t.Helper()
	hr, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Fatalf("%v in %q", err, raw)
	}
	body, err := io.ReadAll(hr.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Request{Method: hr.Method, Target: hr.RequestURI, Host: hr.Host, Header: hr.Header, Body: body}
}

// TestSigningString is section 2.3 of the draft: odd whitespace, an empty
// header, a repeated one.
func TestSigningString(t *testing.T) {
	var v struct {
		Request struct {
			Method, Target string
			RawHeaders     []string `json:"rawHeaders"`
		} `json:"request"`
		Created       int64    `json:"created"`
		Headers       []string `json:"headers"`
		SigningString string   `json:"signingString"`
	}
	b, err := os.ReadFile(filepath.Join(vectors, "cavage-12/signing-string.json"))
	if err != nil {
		t.Logf("no test data: %v", err)
		return
	}
	if err := json.Unmarshal(b, &v, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	r := readRequest(t, v.Request.Method+" "+v.Request.Target+" HTTP/1.1\r\n"+strings.Join(v.Request.RawHeaders, "\r\n")+"\r\n\r\n")
	checkString(t, r, params{headers: v.Headers, created: v.Created}, v.SigningString)
}

// TestCCGVectors runs the signing strings and the refusals of the W3C CCG.
func TestCCGVectors(t *testing.T) {
	var v struct {
		Canonicalize []struct {
			Input     string         `json:"input"`
			Headers   []string       `json:"headers"`
			Created   jsontext.Value `json:"created"`
			Expires   int64          `json:"expires"`
			Want      string         `json:"want"`
			WantError bool           `json:"wantError"`
		} `json:"canonicalize"`
		Parse []struct {
			Input     string `json:"input"`
			WantError bool   `json:"wantError"`
		} `json:"parse"`
	}
	if !readVectors(t, "http-signatures-ccg/expectations.json", &v) {
		return
	}
	read := func(name string) Request {
		b, err := os.ReadFile(filepath.Join(vectors, "http-signatures-ccg/input", name+".httpMessage"))
		if err != nil {
			t.Fatal(err)
		}
		b = append(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")), "\r\n\r\n"...)
		return readRequest(t, string(b)+`{"hello": "world"}`)
	}
	for _, c := range v.Canonicalize {
		list := strings.Join(c.Headers, " ")
		var p params
		if c.Headers == nil {
			p.headers = []string{"(created)"}
		} else if err := p.setHeaders(list); err != nil {
			if !c.WantError && list != "" { // an empty list is refused here (SEC-19)
				t.Errorf("%s %q: %v", c.Input, list, err)
			}
			continue
		}
		if c.Created != nil {
			if err := p.set("created", strings.Trim(string(c.Created), `"`)); err != nil {
				if !c.WantError {
					t.Errorf("%s: created %s: %v", c.Input, c.Created, err)
				}
				continue
			}
		}
		p.expires = c.Expires
		r := read(c.Input)
		if c.WantError {
			s := &Signature{request: r, params: p}
			s.params.headers = append(s.params.headers, "(request-target)", "host", "date", "digest")
			if s.checkCoverage(Policy{}) == nil {
				t.Errorf("%s %q: accepted", c.Input, list)
			}
			continue
		}
		checkString(t, r, p, c.Want)
	}
	for _, c := range v.Parse {
		r := read(c.Input)
		value := strings.TrimPrefix(r.Header.Get("Authorization"), "Signature ")
		r.Header["Signature"] = []string{value}
		if _, err := Verify(r, Policy{Now: now, Hosts: func(string) bool { return true }}); err == nil || value == "" && c.Input != "nosignature-request" {
			t.Errorf("%s: %q: %v", c.Input, value, err)
		}
	}
}
