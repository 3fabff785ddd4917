// Package lab starts real servers on loopback addresses, each under a host name
// of its own: Prosody, ejabberd, nginx, Apache, Caddy, fediverse peers and the gateway, with a
// certificate authority that only they trust. The end-to-end tests and the demo
// run on it. Everything lives in namespaces of the program that called Enter,
// so that nothing of it outlives that program or is seen by others.
package lab
