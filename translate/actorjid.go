package translate

// ActorJID gives the JID of a fediverse handle on our component:
// alice@mast.social is alice\40mast.social@ap.example.org (XEP-0106).
// Errors: ErrOurs, ErrUnstable (use ActorJIDHashed), ErrUnknown.
func (a *Addresses) ActorJID(handle string) (string, error) { return "", nil }

// ActorJIDHashed gives the JID of an actor without a handle that ActorJID can
// spell, from its id and host; "" for a host that is ours or malformed.
func (a *Addresses) ActorJIDHashed(id, host string) string { return "" }

// ParseActorJID is the opposite of both. For the hashed form the handle is
// {hash}@host, to be looked up by its JID. ErrOurs comes with the handle,
// which ParseHandle turns into the JID to redirect to.
func (a *Addresses) ParseActorJID(jid string) (handle string, hashed bool, err error) {
	return "", false, nil
}
