package translate

// Handle gives the handle of a JID and node; node "" or urn:xmpp:microblog:0
// is the person. long tells that the handle is a hash which a table must
// remember. Errors: ErrNoHandle.
func (a *Addresses) Handle(jid, node string) (handle string, long bool, err error) {
	return "", false, nil
}

// ParseHandle gives the bare JID and the node ("" for the person) of a handle
// in any spelling. Errors: ErrUnknown, ErrNotOurs, ErrHashed, ErrInstance.
func (a *Addresses) ParseHandle(handle string) (jid, node string, err error) { return "", "", nil }

// Canonical gives the one spelling of a handle that we publish.
func (a *Addresses) Canonical(handle string) (string, error) { return "", nil }

// InstanceHandle is the reserved handle of the gateway's own actor on a host.
func (a *Addresses) InstanceHandle(host string) string { return "" }

// Acct names an actor in URLs: its handle, and ~2 and so on for the actors
// that a later link made.
func Acct(handle string, generation int) string { return "" }

// ParseAcct is the opposite of Acct, with the handle made canonical.
func (a *Addresses) ParseAcct(acct string) (handle string, generation int, err error) {
	return "", 0, nil
}
