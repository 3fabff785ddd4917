package config

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"isthmus/translate"
)

// maxDays is a hundred years: more does not fit a duration much longer.
const maxDays = 36500

// retention reads how long posts are kept, how large the database may get, and
// when it is tidied.
func (l *loader) retention(c *Cache) (err error) {
	f := l.f.Cache
	if f.KeepDays < 0 || f.KeepDays > maxDays {
		return l.bad("cache.keep_days", f.KeepDays, "that is not a number of days", "write 0 to keep everything, or for example 365")
	}
	c.Keep = days(f.KeepDays)
	for _, entry := range f.KeepKinds {
		name, text, found := strings.Cut(entry, "=")
		n, err := strconv.Atoi(text)
		const write = `write them as in ["boost=30", "poll=0"]`
		if !found || err != nil || n < 0 || n > maxDays {
			return l.bad("cache.keep_kinds", entry, "that is not a kind and its days", write)
		}
		kind, err := translate.ParseKind(name)
		if err != nil {
			return l.bad("cache.keep_kinds", entry, err.Error(), write)
		}
		if c.KeepKinds == nil {
			c.KeepKinds = map[translate.Kind]time.Duration{}
		}
		c.KeepKinds[kind] = days(n)
	}
	if f.MaxSize != "" {
		if c.MaxBytes, err = ParseSize(f.MaxSize); err != nil {
			return l.bad("cache.max_size", f.MaxSize, err.Error(), `write "20GB" or "500MB", or "" for no limit`)
		}
	}
	if c.Quiet, err = parseHours(f.QuietHours); err != nil {
		return l.bad("cache.quiet_hours", f.QuietHours, err.Error(), `write "03:00-05:00" in local time, or "" for never`)
	}
	if f.QuietHours == "" && (c.Keep > 0 || c.KeepKinds != nil || c.MaxBytes > 0) {
		l.warn(`cache.quiet_hours = "": nothing is forgotten, whatever keep_days and max_size say`)
	}
	return nil
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// ParseSize reads a number of bytes: 500MB, 20GB; K, M and G are 1024.
func ParseSize(text string) (int64, error) {
	digits := strings.TrimRight(strings.ToUpper(strings.TrimSpace(text)), "KMGB ")
	unit, ok := map[string]int64{"": 1, "B": 1, "K": 1 << 10, "KB": 1 << 10, "M": 1 << 20, "MB": 1 << 20, "G": 1 << 30, "GB": 1 << 30}[strings.TrimSpace(strings.ToUpper(strings.TrimSpace(text))[len(digits):])]
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n <= 0 || n > 1<<62/unit {
		return 0, errors.New("that is not a size")
	}
	return n * unit, nil
}

func parseHours(text string) (Hours, error) {
	if text == "" {
		return Hours{}, nil
	}
	from, to, found := strings.Cut(text, "-")
	a, err := time.Parse("15:04", strings.TrimSpace(from))
	b, err2 := time.Parse("15:04", strings.TrimSpace(to))
	if !found || err != nil || err2 != nil || a.Equal(b) {
		return Hours{}, errors.New("that is not a time of the day")
	}
	midnight := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	return Hours{a.Sub(midnight), b.Sub(midnight)}, nil
}
