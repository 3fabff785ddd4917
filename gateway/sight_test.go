package gateway

import (
	"errors"
	"slices"
	"testing"

	"isthmus/cache"
	"isthmus/translate"
	"isthmus/xmpp/stanza"
)

// TestAccessBy goes through all that a look at a node can show (design:
// audience): only what a stranger reads is for everybody; only what strangers
// are refused and we are let into, in a node of two models, is for followers.
func TestAccessBy(t *testing.T) {
	verdicts := []verdict{unproven, readable, refused, absent}
	models := []string{"", modelOpen, modelPresence, modelRoster, modelWhitelist, modelAuthorize, "odd"}
	for _, stranger := range verdicts {
		for _, ours := range verdicts {
			for _, model := range models {
				access := accessBy(stranger, ours, model)
				var want translate.Visibility
				switch {
				case stranger == readable:
					want = translate.Public
				case stranger == refused && ours == readable && (model == modelPresence || model == modelAuthorize):
					want = translate.Followers
				}
				if got := (sight{access: access}).audience(); got != want {
					t.Errorf("stranger %d, we %d, %q: %q, want %q", stranger, ours, model, got, want)
				}
				// What takes posts back has to be said, by a refusal or by a model.
				closed := stranger == refused && (ours == refused || ours == readable && (model == modelRoster || model == modelWhitelist))
				if (access == cache.AccessClosed) != closed {
					t.Errorf("stranger %d, we %d, %q: %s", stranger, ours, model, access)
				}
			}
		}
	}
}

// TestModelBy shows by what the access model of a node is told (xmpp.md 1.3).
func TestModelBy(t *testing.T) {
	presence := stanza.NewError("not-authorized", "").PubSub("presence-subscription-required")
	roster := stanza.NewError("not-authorized", "").PubSub("not-in-roster-group")
	closed := stanza.NewError("not-allowed", "").PubSub("closed-node")
	odd := stanza.NewError("not-allowed", "").PubSub("unsupported")
	foreign := stanza.NewError("forbidden", "").With("urn:odd", "presence-subscription-required")
	forbidden := stanza.NewError("forbidden", "")
	for _, c := range []struct {
		name, told string
		refusal    error
		approved   bool
		want       string
	}{
		{"Prosody", modelPresence, forbidden, false, modelPresence},
		{"Prosody, a whitelist", modelWhitelist, forbidden, false, modelWhitelist},
		{"ejabberd", "", presence, false, modelPresence},
		{"ejabberd, groups", "", roster, false, modelRoster},
		{"ejabberd, a whitelist", "", closed, false, modelWhitelist},
		{"ejabberd, by approval", "", forbidden, true, modelAuthorize},
		{"both agree", modelPresence, presence, false, modelPresence},
		{"both disagree", modelPresence, closed, false, ""},
		{"nothing is said", "", forbidden, false, ""},
		{"a whitelist after an approval", "", closed, true, modelWhitelist},
		{"told otherwise after an approval", modelWhitelist, forbidden, true, modelWhitelist},
		{"another condition after an approval", "", odd, true, ""},
		{"somebody else's condition", "", foreign, false, ""},
		{"no refusal", "", errors.New("away"), false, ""},
	} {
		if got := modelBy(c.told, c.refusal, c.approved); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestAdmittedMentions shows that naming somebody in what is for followers only
// does not send it to them.
func TestAdmittedMentions(t *testing.T) {
	w := newWorld(t)
	a := w.linkUser(louise)
	who := func(uri string) translate.Mention { return translate.Mention{Actor: translate.Actor{URI: uri}} }
	w.view(func(tx *cache.Tx) error {
		got, err := admittedOf(tx, a.URI, []translate.Mention{who(aliceURI), who(bobURI), who(carolURI)})
		var uris []string
		for _, m := range got {
			uris = append(uris, m.URI)
		}
		if !slices.Equal(uris, []string{aliceURI}) {
			t.Errorf("named: %v", uris)
		}
		return err
	})
}
