package ap_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"isthmus/ap/aptest"
	"isthmus/ap/as2"
)

// signAs signs a POST as a peer's software does: the headers that it names, in its
// order, with its parameters. sent is for when the request says it was made.
func signAs(t *testing.T, r *http.Request, a *aptest.Actor, headers, params string, sent time.Time) {
	t.Helper()
	lines := make([]string, 0, 8)
	for _, name := range strings.Fields(headers) {
		value := r.Header.Get(name)
		switch name {
		case "(request-target)":
			value = "post " + r.URL.RequestURI()
		case "host":
			value = r.URL.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		case "(created)":
			value = fmt.Sprint(sent.Unix())
		case "(expires)":
			value = fmt.Sprint(sent.Add(time.Hour).Unix())
		}
		lines = append(lines, name+": "+value)
	}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	s, err := rsa.SignPKCS1v15(rand.Reader, a.Key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	params = strings.NewReplacer("CREATED", fmt.Sprint(sent.Unix()), "EXPIRES", fmt.Sprint(sent.Add(time.Hour).Unix())).Replace(params)
	r.Header.Set("Signature", `keyId="`+a.KeyID+`",`+params+`headers="`+headers+`",signature="`+base64.StdEncoding.EncodeToString(s)+`"`)
}

// TestSignaturesOfPeers takes a POST as each kind of server signs it.
func TestSignaturesOfPeers(t *testing.T) {
	h := newHouse(t, nil)
	body := like(h.alice)
	sum := sha256.Sum256(body)
	digest := base64.StdEncoding.EncodeToString(sum[:])
	for _, c := range []struct {
		name, contentType, digest, headers, params string
	}{
		{"Mastodon", as2.MediaType, "SHA-256=", "host date digest content-type (request-target)", `algorithm="rsa-sha256",`},
		{"GoToSocial", as2.MediaType, "SHA-256=", "(request-target) host date digest", `algorithm="hs2019",`},
		{"Pleroma", as2.MediaType, "SHA-256=", "(request-target) content-length date digest host", `algorithm="rsa-sha256",`},
		{"Misskey", as2.MediaType, "SHA-256=", "(request-target) date host digest", `algorithm="rsa-sha256",`},
		{"Lemmy", as2.MediaType, "SHA-256=", "(request-target) content-type date digest host", `algorithm="hs2019",`},
		{"Lemmy with times", as2.MediaType, "SHA-256=", "(request-target) (created) (expires) content-type digest host", `algorithm="hs2019",created=CREATED,expires=EXPIRES,`},
		{"PeerTube", as2.MediaType, "SHA-256=", "(request-target) host date digest", `algorithm="rsa-sha256",`},
		{"Pixelfed", as2.MediaTypeLD, "SHA-256=", "(request-target) date host accept digest content-type", `algorithm="rsa-sha256",`},
		{"WordPress", as2.MediaType, "SHA-256=", "(request-target) host date digest content-type", `algorithm="rsa-sha256",`},
		{"Friendica", as2.MediaType, "SHA-256=", "(request-target) date host content-length digest content-type", `algorithm="rsa-sha256",`},
		{"Hubzilla", "application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\"", "SHA-256=", "(request-target) date digest content-type host", `algorithm="rsa-sha256",`},
		{"BookWyrm", `application/activity+json; charset=utf-8`, "SHA-256=", "(request-target) host date digest", `algorithm="rsa-sha256",`},
		{"digest in lower case", as2.MediaType, "sha-256=", "(request-target) host date digest", ""},
		{"user agent signed", as2.MediaType, "SHA-256=", "(request-target) host date digest user-agent", ""},
	} {
		r, err := http.NewRequest(http.MethodPost, h.url+"/inbox/louise@example.org", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		sent := time.Now()
		r.Header.Set("Content-Type", c.contentType)
		r.Header.Set("Accept", as2.MediaType)
		r.Header.Set("User-Agent", "peer/1.0")
		r.Header.Set("Date", sent.UTC().Format(http.TimeFormat))
		r.Header.Set("Digest", c.digest+digest)
		signAs(t, r, h.alice, c.headers, c.params, sent)
		resp, err := h.HTTP().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusAccepted {
			t.Errorf("%s: %d\n%s", c.name, resp.StatusCode, h.log.text())
		}
	}
}
