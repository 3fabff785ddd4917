package sig

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-fed/httpsig"
)

// skew is how far behind the clock a request is dated, since some peers accept
// almost nothing from the future (S2).
const skew = time.Second

// Sign signs a request that is about to be sent (S1). It sets Date, Digest and
// Signature anew, so that a request that is sent again is signed again (S2).
// body is what the request carries, nil for a GET.
func Sign(req *http.Request, body []byte, keyID string, key *rsa.PrivateKey, now time.Time) error {
	if key == nil || keyID == "" || strings.ContainsAny(keyID, "\"\\\r\n") {
		return errors.New("sign request: no usable key")
	}
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	req.Header.Set("Date", now.Add(-skew).UTC().Format(http.TimeFormat))
	names := []string{httpsig.RequestTarget, "host", "date"}
	if body != nil {
		sum := sha256.Sum256(body)
		req.Header.Set("Digest", "SHA-256="+base64.StdEncoding.EncodeToString(sum[:]))
		names = append(names, "digest")
	}
	for _, name := range []string{"Content-Type", "Accept"} {
		if len(req.Header[name]) > 0 {
			names = append(names, strings.ToLower(name))
		}
	}
	signer, _, err := httpsig.NewSigner([]httpsig.Algorithm{httpsig.RSA_SHA256}, httpsig.DigestSha256, names, httpsig.Signature, 0)
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	h := http.Header{"Host": {host}}
	for _, name := range []string{"Date", "Digest", "Content-Type", "Accept"} {
		if v, ok := req.Header[name]; ok {
			h[name] = v
		}
	}
	if err := signer.SignRequest(key, keyID, view(req.Method, req.URL.RequestURI(), h, true), nil); err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	// The library says hs2019, which a few peers do not know (S1).
	req.Header.Set("Signature", strings.Replace(h.Get("Signature"), `algorithm="hs2019"`, `algorithm="rsa-sha256"`, 1))
	return nil
}
