package gateway

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"isthmus/cache"
	"isthmus/xmpp"
	"isthmus/xmpp/stanza"
)

// noise is a picture that does not compress, with holes if it is not opaque.
func noise(width, height int, opaque bool) *image.NRGBA {
	r := rand.New(rand.NewPCG(1, 2))
	p := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.NRGBA{R: uint8(r.Uint32()), G: uint8(r.Uint32()), B: uint8(r.Uint32()), A: 255}
			if !opaque && x < width/2 {
				c = color.NRGBA{}
			}
			p.SetNRGBA(x, y, c)
		}
	}
	return p
}

func encoded(t testing.TB, kind string, p image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch kind {
	case "png":
		err = png.Encode(&b, p)
	case "jpeg":
		err = jpeg.Encode(&b, p, &jpeg.Options{Quality: 100})
	case "gif":
		err = gif.Encode(&b, p, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// aWebP is a picture of one point, as Misskey would serve it.
const aWebP = "UklGRh4AAABXRUJQVlA4TBEAAAAvAAAAAAfQ//73v/+BiOh/AAA="

// TestAvatarOf shows that pictures of all kinds and sizes become avatars that fit a
// stanza and that clients can show.
func TestAvatarOf(t *testing.T) {
	webp, err := base64.StdEncoding.DecodeString(aWebP)
	if err != nil {
		t.Fatal(err)
	}
	plain := encoded(t, "png", noise(32, 32, true))
	for _, c := range []struct {
		name          string
		body          []byte
		want          string
		width, height int
	}{
		{"small", plain, "image/png", 32, 32},
		{"large", encoded(t, "png", noise(400, 400, true)), "image/jpeg", 256, 256},
		{"large, with holes", encoded(t, "png", noise(400, 200, false)), "image/png", 0, 0},
		{"as it is served often", encoded(t, "jpeg", noise(120, 100, true)), "image/jpeg", 120, 100},
		{"wide", encoded(t, "jpeg", noise(1600, 4, true)), "image/jpeg", 256, 1},
		{"GIF", encoded(t, "gif", noise(30, 20, true)), "image/jpeg", 30, 20},
		{"WebP", webp, "image/png", 1, 1},
	} {
		out, kind, err := avatarOf(c.body)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		config, format, err := image.DecodeConfig(bytes.NewReader(out))
		if err != nil || "image/"+format != kind || len(out) > avatarMost || max(config.Width, config.Height) > 256 {
			t.Errorf("%s: %s of %d bytes, %dx%d: %v", c.name, kind, len(out), config.Width, config.Height, err)
		}
		if c.name != "WebP" && kind != c.want || c.width > 0 && (config.Width != c.width || config.Height != c.height) {
			t.Errorf("%s: %s, %dx%d", c.name, kind, config.Width, config.Height)
		}
	}
	for name, body := range map[string][]byte{
		"nothing": nil, "text": []byte("<svg/>"), "cut off": encoded(t, "png", noise(400, 400, true))[:5000],
		"a bomb": encoded(t, "png", image.NewPaletted(image.Rect(0, 0, 1<<15, 1<<9), color.Palette{color.White})),
	} {
		if out, kind, err := avatarOf(body); err == nil {
			t.Errorf("%s becomes %s of %d bytes", name, kind, len(out))
		}
	}
}

func FuzzAvatarOf(f *testing.F) {
	for _, kind := range []string{"png", "jpeg", "gif"} {
		f.Add(encoded(f, kind, noise(8, 8, true)))
	}
	webp, _ := base64.StdEncoding.DecodeString(aWebP)
	f.Add(webp)
	f.Fuzz(func(t *testing.T, body []byte) {
		out, kind, err := avatarOf(body)
		if err != nil {
			return
		}
		if _, format, err := image.DecodeConfig(bytes.NewReader(out)); err != nil || "image/"+format != kind || len(out) > avatarMost {
			t.Errorf("%s of %d bytes: %v", kind, len(out), err)
		}
	})
}

// TestFaceOfContact shows that who adds an actor sees its name and face without
// asking for them: chat clients look only at what presences and events tell.
func TestFaceOfContact(t *testing.T) {
	f := newFediverse(t)
	face := encoded(t, "png", noise(400, 400, true))
	f.mast.Script("/face.png", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(face)
	}))
	ann, err := f.remoteByURI(t.Context(), f.ann.ID)
	f.must(err)
	ann.IconURL = strings.TrimSuffix(f.ann.ID, "/users/ann") + "/face.png"
	f.update(func(tx *cache.Tx) error { return tx.PutActor(ann) })
	f.presenceFrom(louise, ann.JID, xmpp.Subscribe)
	hash := f.xmpp.await("a presence with a face", func(el *stanza.Element) bool {
		return el.Name == "presence" && el.Get("from") == ann.JID && el.Get("to") == louise && el.Child(stanza.NSVCardUpdate, "x") != nil
	}).Child(stanza.NSVCardUpdate, "x").ChildContent("", "photo")
	el := f.xmpp.await("news of the face", func(el *stanza.Element) bool {
		e, ok := xmpp.ParseEvent(el)
		return ok && e.Service == stanza.JID(ann.JID) && e.Node == stanza.NSAvatarMeta
	})
	e, _ := xmpp.ParseEvent(el)
	if len(e.Items) != 1 || e.Items[0].ID != hash || el.Get("to") != louise {
		t.Errorf("the face is %s, told of %s", hash, el)
	}
	f.xmpp.await("the name", func(el *stanza.Element) bool {
		e, ok := xmpp.ParseEvent(el)
		return ok && e.Node == stanza.NSNick && xmpp.ParseNick(e.Items[0].Payload) == ann.Name
	})
	photo := f.xmpp.ask("get", phone, ann.JID, stanza.New(stanza.NSVCardTemp, "vCard")).Child(stanza.NSVCardTemp, "vCard")
	if p, ok := xmpp.ParseVCard(photo); !ok || p.PhotoID() != hash {
		t.Errorf("the vCard has the face %s, announced is %s", p.PhotoID(), hash)
	}
}
