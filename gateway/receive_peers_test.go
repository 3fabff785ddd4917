package gateway

import (
	"encoding/json"
	"strings"
	"testing"

	"isthmus/ap/aptest"
	"isthmus/ap/as2"
	"isthmus/cache"
)

// shaped is somebody whose actor document has the form that a kind of server
// gives it: HOST, ID and NAME stand for what they say.
func (f *fediverse) shaped(host, name, path, key, actor string) (*aptest.Peer, *aptest.Actor) {
	f.t.Helper()
	p := f.net.Peer(host)
	a := p.Actor(name)
	p.Change(func() {
		a.ID = p.URL + path
		a.KeyID = a.ID + key
		pem := a.Doc["publicKey"].(aptest.Doc)["publicKeyPem"]
		for k := range a.Doc {
			delete(a.Doc, k)
		}
		f.must(json.Unmarshal([]byte(strings.NewReplacer("HOST", p.URL, "ID", a.ID, "NAME", name).Replace(actor)), &a.Doc))
		a.Doc["publicKey"] = aptest.Doc{"id": a.KeyID, "owner": a.ID, "publicKeyPem": pem}
		a.Followers, _ = a.Doc["followers"].(string)
	})
	p.Serve(path, a.Doc)
	p.Serve(path+"/", a.Doc) // BookWyrm's key ids have a slash more
	return p, a
}

// TestReceiveFromPeers takes what servers of all kinds send, as they write it.
func TestReceiveFromPeers(t *testing.T) {
	f := newFediverse(t)
	for _, c := range []struct {
		host, name, path, key, actor, activity string
		held, asks                             string
	}{
		{"pixelfed.test", "ansel", "/users/ansel", "#main-key", `{"@context":["https://w3id.org/security/v1","https://www.w3.org/ns/activitystreams",{"toot":"http://joinmastodon.org/ns#"}],
			"id":"ID","type":"Person","following":"ID/following","followers":"ID/followers","inbox":"ID/inbox","outbox":"ID/outbox","preferredUsername":"NAME","name":null,
			"summary":null,"url":"HOST/NAME","manuallyApprovesFollowers":false,"indexable":false,"published":"2026-01-02T00:00:00Z",
			"icon":{"type":"Image","mediaType":"image/jpeg","url":"HOST/storage/avatars/default.jpg?v=0"},"endpoints":{"sharedInbox":"HOST/f/inbox"}}`,
			`{"@context":["https://w3id.org/security/v1","https://www.w3.org/ns/activitystreams",{"commentsEnabled":{"@id":"pixelfed:commentsEnabled","@type":"schema:Boolean"}}],
			"id":"HOST/p/NAME/1#activity","type":"Create","actor":"ID","published":"2026-11-20T10:00:00+00:00","to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["ID/followers"],
			"object":{"id":"HOST/p/NAME/1","type":"Note","summary":null,"content":"Half Dome <a href=\"HOST/discover/tags/moon\" class=\"u-url hashtag\" rel=\"external nofollow noopener\">#moon</a>",
			"inReplyTo":null,"published":"2026-11-20T10:00:00+00:00","url":"HOST/p/NAME/1","attributedTo":"ID","to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["ID/followers"],
			"sensitive":false,"attachment":[{"type":"Image","mediaType":"image/jpeg","url":"HOST/storage/m/1.jpg","name":"The moon","focalPoint":[0,0],"width":1080,"height":1080}],
			"tag":[{"type":"Hashtag","href":"HOST/discover/tags/moon","name":"#moon"}],"commentsEnabled":true,"capabilities":{"announce":"https://www.w3.org/ns/activitystreams#Public","like":"https://www.w3.org/ns/activitystreams#Public","reply":null},
			"location":{"type":"Place","name":"Yosemite","longitude":"-119.5","latitude":"37.8","country":"US"}}}`,
			"public ansel Half Dome #moon", "notify"},
		{"bookwyrm.test", "mouse", "/user/mouse", "/#main-key", `{"id":"ID","type":"Person","preferredUsername":"NAME","inbox":"ID/inbox","outbox":"ID/outbox","followers":"ID/followers","following":"ID/following",
			"endpoints":{"sharedInbox":"HOST/inbox"},"name":"Mouse","summary":"<p>reads</p>","icon":{"type":"Document","url":"HOST/images/a.png","name":"avatar","@context":"https://www.w3.org/ns/activitystreams"},
			"bookwyrmUser":true,"manuallyApprovesFollowers":false,"discoverable":true,"hideFollows":false,"movedTo":null,"alsoKnownAs":[],"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1"]}`,
			`{"id":"HOST/user/NAME/review/1/activity","type":"Create","actor":"ID","to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["ID/followers"],
			"object":{"id":"HOST/user/NAME/review/1","type":"Article","name":"Review of \"Moss\" (4 stars)","published":"2026-11-20T10:00:00.123456+00:00","attributedTo":"ID","content":"<p>Very green.</p>",
			"to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["ID/followers"],"replies":{"id":"HOST/user/NAME/review/1/replies","type":"OrderedCollection","totalItems":0,"first":"HOST/user/NAME/review/1/replies?page=1","last":"HOST/user/NAME/review/1/replies?page=1","@context":"https://www.w3.org/ns/activitystreams"},
			"tag":[],"attachment":[{"type":"Document","url":"HOST/images/cover.jpg","name":"cover","@context":"https://www.w3.org/ns/activitystreams"}],"sensitive":false,"inReplyTo":null,"updated":null},
			"signature":{"type":"RsaSignature2017","creator":"ID#main-key","created":"2026-11-20","signatureValue":"AAAA"},"@context":"https://www.w3.org/ns/activitystreams"}`,
			"public mouse Very green.", "notify"},
		{"hub.test", "zot", "/channel/zot", "", `{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1","https://hub.test/apschema/v1.31"],"type":"Person","id":"ID","preferredUsername":"NAME","name":"Zot",
			"updated":"2026-11-01T10:00:00Z","icon":{"type":"Image","mediaType":"image/png","updated":"2026-11-01T10:00:00Z","url":"HOST/photo/profile/l/2","height":300,"width":300},
			"url":[{"type":"Link","rel":"alternate","mediaType":"application/x-zot+json","href":"HOST/channel/NAME"},{"type":"Link","rel":"alternate","mediaType":"text/html","href":"HOST/channel/NAME"}],
			"tag":[{"type":"PropertyValue","name":"Protocol","value":"zot6"},{"type":"PropertyValue","name":"Protocol","value":"activitypub"}],
			"inbox":"HOST/inbox/NAME","outbox":"HOST/outbox/NAME","followers":"HOST/followers/NAME","following":"HOST/following/NAME","endpoints":{"sharedInbox":"HOST/inbox"},"discoverable":true,"manuallyApprovesFollowers":false,
			"copiedTo":[],"assertionMethod":[{"id":"ID#z6Mk","type":"Multikey","controller":"ID","publicKeyMultibase":"z6Mk"}]}`,
			`{"@context":["https://www.w3.org/ns/activitystreams"],"type":"Create","id":"HOST/activity/1","published":"2026-11-20T10:00:00Z","actor":"ID","to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["HOST/followers/NAME"],"tag":[],
			"object":{"type":"Note","id":"HOST/item/1","published":"2026-11-20T10:00:00Z","context":"HOST/conversation/1","conversation":"HOST/conversation/1","content":"From the hub","source":{"content":"From the hub","mediaType":"text/bbcode"},
			"attributedTo":"ID","actor":"ID","url":{"type":"Link","href":"HOST/item/1"},"commentPolicy":"authenticated","to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["HOST/followers/NAME"],"tag":[],"directMessage":false,"canReply":"as:Public"},
			"proof":{"type":"DataIntegrityProof","cryptosuite":"eddsa-jcs-2022","proofValue":"z1"}}`,
			"public zot From the hub", "notify"},
		{"friendica.test", "fred", "/profile/fred", "#main-key", `{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1",{"vcard":"http://www.w3.org/2006/vcard/ns#"}],"id":"ID","diaspora:guid":"abc","type":"Person",
			"following":"HOST/following/NAME","followers":"HOST/followers/NAME","inbox":"HOST/inbox/NAME","outbox":"HOST/outbox/NAME","featured":"HOST/featured/NAME","preferredUsername":"NAME","name":"Fred","vcard:hasAddress":{"@type":"vcard:Home","vcard:country-name":""},
			"summary":"<p>hi</p>","url":"ID","manuallyApprovesFollowers":false,"discoverable":true,"endpoints":{"sharedInbox":"HOST/inbox"},"icon":{"type":"Image","url":"HOST/photo/1.jpg"},"generator":{"type":"Application","name":"Friendica"}}`,
			`{"@context":["https://www.w3.org/ns/activitystreams",{"ostatus":"http://ostatus.org#"}],"id":"HOST/objects/1/Create","type":"Create","actor":"ID","published":"2026-11-20T10:00:00Z","instrument":{"type":"Application","name":"Friendica"},
			"to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["HOST/followers/NAME"],"object":{"id":"HOST/objects/1","type":"Note","summary":null,"inReplyTo":null,"diaspora:guid":"1","published":"2026-11-20T10:00:00Z","url":"HOST/display/1","attributedTo":"ID",
			"sensitive":false,"context":"HOST/context/1","content":"From Fred","contentMap":{"en":"From Fred"},"source":{"content":"From Fred","mediaType":"text/bbcode"},"attachment":[],"tag":[],"generator":{"type":"Application","name":"Friendica"},
			"to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["HOST/followers/NAME"]},"signature":{"type":"RsaSignature2017"}}`,
			"public fred From Fred", "notify"},
		{"wordpress.test", "admin", "/?author=1", "#main-key", `{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1"],"id":"ID","type":"Person","attachment":[{"type":"PropertyValue","name":"Blog","value":"<a rel=\"me\" href=\"HOST/\">x</a>"}],
			"name":"admin","icon":{"type":"Image","url":"HOST/avatar.png"},"published":"2026-01-01T00:00:00Z","summary":"","tag":[],"url":"HOST/author/admin/","inbox":"HOST/wp-json/activitypub/1.0/actors/1/inbox","outbox":"HOST/wp-json/activitypub/1.0/actors/1/outbox",
			"following":"HOST/wp-json/activitypub/1.0/actors/1/following","followers":"HOST/wp-json/activitypub/1.0/actors/1/followers","preferredUsername":"NAME","endpoints":{"sharedInbox":"HOST/wp-json/activitypub/1.0/inbox"},
			"manuallyApprovesFollowers":false,"discoverable":true,"indexable":true,"webfinger":"NAME@wordpress.test"}`,
			`{"@context":["https://www.w3.org/ns/activitystreams"],"id":"HOST/?p=7#activity-2026-11-20T10:00:00Z","type":"Create","actor":"ID","published":"2026-11-20T10:00:00Z","to":"https://www.w3.org/ns/activitystreams#Public","cc":"HOST/wp-json/activitypub/1.0/actors/1/followers",
			"object":{"id":"HOST/?p=7","type":"Article","name":"Moss &amp; stone","nameMap":{"en":"Moss &amp; stone"},"attachment":[],"attributedTo":"ID","content":"<p>All of it.</p>","contentMap":{"en":"<p>All of it.</p>"},"published":"2026-11-20T10:00:00Z",
			"summary":"<p>Some of it. [&hellip;]</p>","tag":[{"type":"Hashtag","href":"HOST/tag/moss/","name":"#moss"}],"url":"HOST/2026/11/moss/","mediaType":"text/html","to":"https://www.w3.org/ns/activitystreams#Public","cc":"HOST/wp-json/activitypub/1.0/actors/1/followers",
			"sensitive":false,"preview":{"type":"Note","content":"<p>Some</p>"},"replies":{"id":"HOST/wp-json/activitypub/1.0/posts/7/replies","type":"Collection","first":{"id":"HOST/x","type":"CollectionPage","partOf":"HOST/y","items":[]}}}}`,
			"public ?author=1 All of it.", "notify"},
		{"sharkey.test", "kit", "/users/9x", "#main-key", `{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1",{"Key":"sec:Key","misskey":"https://misskey-hub.net/ns#"}],"type":"Person","id":"ID","inbox":"ID/inbox","outbox":"ID/outbox",
			"followers":"ID/followers","following":"ID/following","featured":"ID/collections/featured","sharedInbox":"HOST/inbox","endpoints":{"sharedInbox":"HOST/inbox"},"url":"HOST/@NAME","preferredUsername":"NAME","name":"kit :blobfox:","summary":"<p>x</p>","_misskey_summary":"x",
			"_misskey_followedMessage":null,"backgroundUrl":null,"icon":null,"image":null,"tag":[{"id":"HOST/emojis/blobfox","type":"Emoji","name":":blobfox:","updated":"2026-01-01T00:00:00.000Z","icon":{"type":"Image","mediaType":"image/png","url":"HOST/e.png"},"_misskey_license":{"freeText":null}}],
			"manuallyApprovesFollowers":false,"discoverable":true,"isCat":true,"noindex":false,"attachment":[],"vcard:bday":"2000-01-01"}`,
			`{"@context":["https://www.w3.org/ns/activitystreams"],"id":"HOST/notes/1/activity","actor":"ID","type":"Create","published":"2026-11-20T10:00:00.123Z","to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["ID/followers"],
			"object":{"id":"HOST/notes/1","type":"Note","attributedTo":"ID","summary":null,"content":"<p><span>From kit</span></p>","_misskey_content":"From kit","source":{"content":"From kit","mediaType":"text/x.misskeymarkdown"},"published":"2026-11-20T10:00:00.123Z",
			"to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["ID/followers"],"inReplyTo":null,"attachment":[],"sensitive":false,"tag":[],"updated":null}}`,
			"public 9x From kit", "notify"},
		{"pleroma.test", "lain", "/users/lain", "#main-key", `{"@context":["https://www.w3.org/ns/activitystreams","https://pleroma.test/schemas/litepub-0.1.jsonld",{"@language":"und"}],"alsoKnownAs":[],"attachment":[],"capabilities":{"acceptsChatMessages":true},"discoverable":true,
			"endpoints":{"oauthAuthorizationEndpoint":"HOST/oauth/authorize","sharedInbox":"HOST/inbox","uploadMedia":"HOST/api/ap/upload_media"},"featured":"ID/collections/featured","followers":"ID/followers","following":"ID/following","icon":{"type":"Image","url":"HOST/a.png"},
			"id":"ID","inbox":"ID/inbox","manuallyApprovesFollowers":false,"name":"lain","outbox":"ID/outbox","preferredUsername":"NAME","summary":"","tag":[],"type":"Person","url":"ID","vcard:bday":null}`,
			`{"@context":["https://www.w3.org/ns/activitystreams",{"@language":"und"}],"actor":"ID","cc":["ID/followers"],"context":"HOST/contexts/1","id":"HOST/activities/1","published":"2026-11-20T10:00:00.123456Z","to":["https://www.w3.org/ns/activitystreams#Public"],"type":"Create","bto":[],"bcc":[],
			"object":{"actor":"ID","attachment":[],"attributedTo":"ID","cc":["ID/followers"],"content":"From lain","contentMap":{"en":"From lain"},"context":"HOST/contexts/1","conversation":"HOST/contexts/1","emoji":{},"id":"HOST/objects/1","published":"2026-11-20T10:00:00.123456Z","repliesCount":0,
			"sensitive":null,"source":{"content":"From lain","mediaType":"text/plain"},"summary":"","tag":[],"to":["https://www.w3.org/ns/activitystreams#Public"],"type":"Note"}}`,
			"public lain From lain", "notify"},
	} {
		t.Run(c.host, func(t *testing.T) {
			f.t, f.xmpp.t = t, t
			p, a := f.shaped(c.host, c.name, c.path, c.key, c.actor)
			key, err := f.PublicKey(t.Context(), a.KeyID, false)
			if err != nil || key.Owner != a.ID || !key.Key.Equal(&a.Key.PublicKey) {
				t.Fatalf("key %+v: %v", key, err)
			}
			f.follows(f.louise, a, cache.FollowAccepted)
			actor, err := f.store.Actor(t.Context(), a.ID)
			f.must(err)
			if actor.Acct != a.Handle || actor.SharedInbox == "" || actor.Followers == "" || actor.Name == "" || strings.Contains(actor.URL, "zot+json") {
				t.Errorf("%+v", actor)
			}
			var doc aptest.Doc
			f.must(json.Unmarshal([]byte(strings.NewReplacer("HOST", p.URL, "ID", a.ID, "NAME", a.Name).Replace(c.activity)), &doc))
			body, err := json.Marshal(doc)
			f.must(err)
			if _, err := as2.Parse(body); err != nil {
				t.Fatal(err)
			}
			asked := f.get(a, doc, "")
			if got := f.held(doc["object"].(map[string]any)["id"].(string)); got != c.held || asked != c.asks {
				t.Errorf("asks for %q, holds %q", asked, got)
			}
		})
	}
}
