package cache

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"isthmus/translate"
)

// BenchmarkJobs enqueues, leases and acknowledges jobs from many goroutines, one
// or 50 in an update: in lanes of three jobs to 300 hosts, or without lanes.
func BenchmarkJobs(b *testing.B) {
	for _, batch := range []int{1, 50} {
		b.Run(fmt.Sprintf("lanes%d", batch), func(b *testing.B) {
			benchJobs(b, batch, func(n int) Job {
				host := fmt.Sprintf("h%d.example", n%300)
				return Job{Kind: "deliver", Host: host, Lane: fmt.Sprintf("%s %d", host, n/300/3)}
			})
		})
		b.Run(fmt.Sprintf("plain%d", batch), func(b *testing.B) {
			benchJobs(b, batch, func(n int) Job { return Job{Kind: "notify", Host: fmt.Sprintf("h%d.example", n%10)} })
		})
	}
}

func benchJobs(b *testing.B, batch int, job func(n int) Job) {
	s := open(b)
	ctx := context.Background()
	var wg sync.WaitGroup
	var next, acked atomic.Int64
	b.ResetTimer()
	for range 16 {
		wg.Go(func() {
			for {
				first := next.Add(int64(batch)) - int64(batch)
				if first >= int64(b.N) {
					return
				}
				jobs := make([]Job, min(batch, b.N-int(first)))
				for i := range jobs {
					jobs[i] = job(int(first) + i)
					jobs[i].CreatedAt, jobs[i].Payload = day, []byte("payload")
				}
				if err := s.Update(ctx, func(tx *Tx) error { return tx.Enqueue(jobs...) }); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for range 4 {
		wg.Go(func() {
			for acked.Load() < int64(b.N) {
				var jobs []Job
				err := s.Update(ctx, func(tx *Tx) (err error) {
					jobs, err = tx.Lease(LeaseQuery{Now: day.Add(time.Hour), Limit: 100, For: time.Hour})
					return err
				})
				if err != nil {
					b.Error(err)
				}
				if len(jobs) == 0 {
					time.Sleep(time.Millisecond)
				}
				s.benchAck(b, jobs, batch)
				acked.Add(int64(len(jobs)))
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}

func (s *Store) benchAck(b *testing.B, jobs []Job, batch int) {
	var wg sync.WaitGroup
	for len(jobs) > 0 {
		n := min(batch, len(jobs))
		var ids []int64
		for _, j := range jobs[:n] {
			ids = append(ids, j.ID)
		}
		jobs = jobs[n:]
		wg.Go(func() {
			if err := s.Update(context.Background(), func(tx *Tx) error { return tx.Ack(ids...) }); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
}

// rawNote is a document of the usual size.
var rawNote = []byte(`{"@context":["https://www.w3.org/ns/activitystreams",{"ostatus":"http://ostatus.org#","atomUri":"ostatus:atomUri","inReplyToAtomUri":"ostatus:inReplyToAtomUri","conversation":"ostatus:conversation","sensitive":"as:sensitive","toot":"http://joinmastodon.org/ns#","votersCount":"toot:votersCount"}],"id":"https://mast.social/users/alice/statuses/115000000000000001","type":"Note","summary":null,"inReplyTo":null,"published":"2026-11-21T12:00:00Z","url":"https://mast.social/@alice/115000000000000001","attributedTo":"https://mast.social/users/alice","to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["https://mast.social/users/alice/followers"],"sensitive":false,"atomUri":"https://mast.social/users/alice/statuses/115000000000000001","inReplyToAtomUri":null,"conversation":"tag:mast.social,2026-11-21:objectId=1:objectType=Conversation","content":"<p>Bonjour à tous, voici une note de longueur moyenne avec un <a href=\"https://example.org/\" target=\"_blank\" rel=\"nofollow noopener noreferrer\"><span class=\"invisible\">https://</span><span>example.org/</span></a></p>","attachment":[],"tag":[],"replies":{"id":"https://mast.social/users/alice/statuses/115000000000000001/replies","type":"Collection","first":{"type":"CollectionPage","next":"https://mast.social/users/alice/statuses/115000000000000001/replies?only_other_accounts=true&page=true","partOf":"https://mast.social/users/alice/statuses/115000000000000001/replies","items":[]}}}`)

// benchPost is a post with text of a Zipf vocabulary.
func benchPost(n int, r *rand.Rand, z *rand.Zipf) translate.Post {
	var words []string
	for range 20 + r.IntN(80) {
		words = append(words, fmt.Sprintf("wört%d", z.Uint64()))
	}
	owner := fmt.Sprintf("https://h%d.example/u/%d", n%50, n%500)
	p := note(fmt.Sprintf("https://h%d.example/n/%d", n%50, n), owner, strings.Join(words, " "))
	p.Published = day.Add(time.Duration(n+r.IntN(100)) * time.Second) // as they come, nearly in order
	p.To = []string{"https://www.w3.org/ns/activitystreams#Public"}
	p.Cc = []string{owner + "/followers"}
	p.Tags = []string{fmt.Sprintf("tag%d", n%100)}
	p.Item = &translate.Item{Service: fmt.Sprintf("u%d\\40h@ap.example", n%500), Node: "urn:xmpp:microblog:0", ID: fmt.Sprintf("item%d", n)}
	return p
}

func newBench() (*rand.Rand, *rand.Zipf) {
	r := rand.New(rand.NewPCG(1, 2))
	return r, rand.NewZipf(r, 1.2, 3, 50_000)
}

func BenchmarkPutPost(b *testing.B) {
	s := open(b)
	r, z := newBench()
	posts := make([]translate.Post, b.N)
	for i := range posts {
		posts[i] = benchPost(i, r, z)
	}
	var wg sync.WaitGroup
	var next atomic.Int64
	b.ResetTimer()
	for range 32 {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(b.N) {
					return
				}
				if err := s.Update(context.Background(), func(tx *Tx) error {
					_, _, err := tx.PutPost(posts[i], rawNote, PutOptions{Received: day.AddDate(1, 0, 0)})
					return err
				}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "posts/s")
	b.StopTimer()
}

// benchStore is a store with 20,000 posts, 40 of them in each of 500 nodes and
// all of them in one.
func benchStore(b *testing.B) *Store {
	s := open(b)
	r, z := newBench()
	for i := 0; i < 20_000; i += 500 {
		s.update(b, func(tx *Tx) error {
			for n := i; n < i+500; n++ {
				p := benchPost(n, r, z)
				if _, _, err := tx.PutPost(p, rawNote, PutOptions{Received: day.AddDate(1, 0, 0)}); err != nil {
					return err
				}
				if _, err := tx.Place(Placement{Service: "big", Node: "all", ItemID: p.Item.ID, URI: p.URI}); err != nil {
					return err
				}
				if err := tx.PutActor(Actor{URI: p.Owner.URI, Indexable: true}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := s.Index(context.Background()); err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkItems(b *testing.B) {
	s := benchStore(b)
	for name, q := range map[string]ItemQuery{
		"stranger": {Service: "big", Node: "all", Limit: 20},
		"viewer":   {Service: "big", Node: "all", Limit: 20, Viewer: Viewer{Actor: "https://v.example/u"}},
		"small":    {Service: `u7\40h@ap.example`, Node: "urn:xmpp:microblog:0", Limit: 20, Count: true, Position: true},
		"count":    {Service: "big", Node: "all", Limit: 20, Count: true, Position: true},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s.view(b, func(tx *Tx) error {
					page, err := tx.Items(q)
					if len(page.Items) != 20 {
						b.Fatal(len(page.Items))
					}
					return err
				})
			}
		})
	}
}

func BenchmarkSearch(b *testing.B) {
	s := benchStore(b)
	for name, text := range map[string]string{"common": "wort1", "rare": "wort20000", "two": "wort1 wort40", "phrase": `"wort1 wort2"`, "prefix": "wort4*"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s.view(b, func(tx *Tx) error {
					_, err := tx.Search(SearchQuery{Text: text})
					return err
				})
			}
		})
	}
}
