package sig

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"
)

// FuzzVerify makes sure that no header brings the verifier down, and that none
// is accepted but the right one.
func FuzzVerify(f *testing.F) {
	r := signed(f, "POST", "/inbox", "example.org", []byte("{}"))
	good := r.Header.Get("Signature")
	for _, s := range []string{
		good, ``, `keyId="a",signature="b"`, `keyId="a\"b",headers="(request-target) host date digest",signature="AAAA"`, `a=b,`, `=`, `keyId=a`,
		`keyId="a",created=1,expires=2,headers="(created) (expires)",signature=AA==`, `sig1=:AAAA:`, `keyId="` + strings.Repeat(`\`, 9),
	} {
		f.Add(s, "/inbox?", "SHA-256=AAAA")
	}
	key := &testKey().PublicKey
	wantParams, err := parseParams(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header, target, digest string) {
		q := r
		q.Header = r.Header.Clone()
		q.Header["Signature"] = []string{header}
		s, err := Verify(q, policy())
		if err == nil && s.VerifyWith(key) == nil && s.params.signature != wantParams.signature {
			t.Fatalf("%q verified", header)
		}
		q.Target = target
		q.Header.Set("Digest", digest)
		q.Header["Signature"] = []string{good}
		if s, err := Verify(q, policy()); err == nil && s.VerifyWith(key) == nil && target != "/inbox" && !strings.HasPrefix(target, "/inbox?") {
			t.Fatalf("target %q with digest %q verified", target, digest)
		}
	})
}

// The benchmarks put the whole of a signature beside bare RSA.

func BenchmarkSign(b *testing.B) {
	body := []byte(strings.Repeat("x", 4096))
	r, _ := http.NewRequest("POST", "https://example.org/inbox", nil)
	r.Header.Set("Content-Type", "application/activity+json")
	for b.Loop() {
		if err := Sign(r, body, keyID, testKey(), now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBareRSASign(b *testing.B) {
	sum := sha256.Sum256([]byte("x"))
	for b.Loop() {
		if _, err := rsa.SignPKCS1v15(nil, testKey(), crypto.SHA256, sum[:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	r := signed(b, "POST", "/inbox", "example.org", []byte(strings.Repeat("x", 4096)))
	b.ReportAllocs()
	for b.Loop() {
		s, err := Verify(r, policy())
		if err == nil {
			err = s.VerifyWith(&testKey().PublicKey)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBareRSAVerify(b *testing.B) {
	sum := sha256.Sum256([]byte("x"))
	s, err := rsa.SignPKCS1v15(nil, testKey(), crypto.SHA256, sum[:])
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := rsa.VerifyPKCS1v15(&testKey().PublicKey, crypto.SHA256, sum[:], s); err != nil {
			b.Fatal(err)
		}
	}
}
