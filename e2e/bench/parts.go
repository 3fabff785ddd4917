package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"time"
)

// perSecond runs something for a while on one core and tells how often it went.
func perSecond(do func() error) (float64, error) {
	const stretch = 500 * time.Millisecond
	n, start := 0, time.Now()
	for time.Since(start) < stretch {
		if err := do(); err != nil {
			return 0, err
		}
		n++
	}
	return float64(n) / time.Since(start).Seconds(), nil
}

// rsaRates are what one core signs and verifies with RSA-2048.
func rsaRates() (sign, verify float64, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return 0, 0, err
	}
	sum := sha256.Sum256([]byte("bench"))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return 0, 0, err
	}
	sign, err = perSecond(func() error {
		_, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	verify, err = perSecond(func() error { return rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature) })
	return sign, verify, err
}
