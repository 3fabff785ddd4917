package cache

import "testing"

func TestSmoke(t *testing.T) {
	s := open(t)
	s.put(t, note("https://a.example/1", "https://a.example/u", "hello"))
	s.view(t, func(tx *Tx) error {
		p, err := tx.PostByURI("https://a.example/1", Viewer{})
		t.Logf("%+v", p)
		return err
	})
}
