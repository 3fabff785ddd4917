package config

import (
	"strings"
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"500MB": 500 << 20, "20 gb": 20 << 30, "1K": 1 << 10, "7": 7, "7B": 7,
		"": 0, "MB": 0, "-1GB": 0, "1.5GB": 0, "1TB": 0, "9999999999GB": 0, "1MBMB": 0, "0": 0,
	} {
		got, err := ParseSize(text)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	f.Add("20GB")
	f.Add("MB")
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := ParseSize(text); err == nil && n <= 0 {
			t.Errorf("%q is %d", text, n)
		}
	})
}

func TestHours(t *testing.T) {
	at := func(text string) time.Time {
		v, err := time.Parse("15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tt := range []struct {
		hours, at string
		want      bool
		until     time.Duration
	}{
		{"03:00-05:00", "03:00", true, 0}, {"03:00-05:00", "04:59", true, 0}, {"03:00-05:00", "05:00", false, 22 * time.Hour},
		{"03:00-05:00", "23:00", false, 4 * time.Hour}, {"03:00-03:01", "02:58", false, 2 * time.Minute}, {"23:30-01:00", "23:45", true, 0},
		{"23:30-01:00", "00:30", true, 0}, {"23:30-01:00", "12:00", false, 690 * time.Minute}, {"", "00:00", false, 24 * time.Hour},
	} {
		h, err := parseHours(tt.hours)
		if got := h.Contains(at(tt.at)); got != tt.want || err != nil {
			t.Errorf("%s in %q: %t, %v", tt.at, tt.hours, got, err)
		}
		if got := h.Until(at(tt.at)); got != tt.until {
			t.Errorf("%s until %q: %s", tt.at, tt.hours, got)
		}
	}
}

func TestRetention(t *testing.T) {
	l := &loader{f: defaults(), from: map[string]string{}}
	l.f.Cache.KeepDays, l.f.Cache.KeepKinds, l.f.Cache.MaxSize = 2, []string{"boost=1", "event=0", "poll=2"}, "1GB"
	var c Cache
	if err := l.retention(&c); err != nil || c.Keep != 48*time.Hour || c.KeepKinds["boost"] != 24*time.Hour || c.KeepKinds["question"] != 48*time.Hour || c.MaxBytes != 1<<30 || c.Quiet.From != 3*time.Hour {
		t.Errorf("%+v, %v", c, err)
	}
	if _, ok := c.KeepKinds["event"]; !ok {
		t.Error("events are not kept for ever")
	}
	for key, change := range map[string]func(){
		"cache.keep_days":   func() { l.f.Cache.KeepDays = -1 },
		"cache.keep_kinds":  func() { l.f.Cache.KeepKinds = []string{"poem=3"} },
		"cache.max_size":    func() { l.f.Cache.MaxSize = "much" },
		"cache.quiet_hours": func() { l.f.Cache.QuietHours = "at night" },
	} {
		l = &loader{f: defaults(), from: map[string]string{}}
		change()
		if err := l.retention(&c); err == nil || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "write ") {
			t.Errorf("%s: %v", key, err)
		}
	}
	l = &loader{f: defaults(), from: map[string]string{}}
	l.f.Cache.KeepDays, l.f.Cache.QuietHours = 3, ""
	if err := l.retention(&c); err != nil || len(l.warns) != 1 {
		t.Errorf("%v, %q", err, l.warns)
	}
}
