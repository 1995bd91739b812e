package components

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
	"trafficlab/topologies"
)

// Tests of caching rule by rule, with the section of RFC 9111 unless another
// is named. The lab's calendar begins in the year 2000.

var millennium = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// on is the date so long after the lab began, as a field has it.
func on(after time.Duration) string { return millennium.Add(after).Format(httpDate) }

// saying is a header made of lines.
func saying(lines ...string) (h Header) {
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h = append(h, Field{name, value})
	}
	return h
}

// TestLifetimes: section 4.2.1 and 4.2.2, for an answer that comes an hour
// into the millennium.
func TestLifetimes(t *testing.T) {
	const none = time.Duration(-1)
	now := on(time.Hour)
	for name, tt := range map[string]struct {
		status int
		lines  []string
		want   time.Duration // none: not to be stored
	}{
		"s-maxage before max-age":        {200, []string{"Cache-Control: max-age=9, s-maxage=5"}, 5 * time.Second},
		"max-age before Expires":         {200, []string{"Cache-Control: max-age=9", "Date: " + now, "Expires: " + on(2*time.Hour)}, 9 * time.Second},
		"Expires by Date":                {200, []string{"Date: " + on(30*time.Minute), "Expires: " + on(time.Hour)}, 30 * time.Minute},
		"Expires by the clock":           {200, []string{"Expires: " + on(2*time.Hour)}, time.Hour},
		"Expires, with a Date of no use": {200, []string{"Date: today", "Expires: " + on(2*time.Hour)}, time.Hour},
		"the first of two max-ages":      {200, []string{"Cache-Control: max-age=9", "Cache-Control: max-age=5"}, 9 * time.Second},
		"of two, one of no use":          {200, []string{"Cache-Control: max-age=soon, max-age=9"}, none},
		"two dates in Expires":           {200, []string{"Expires: " + on(2*time.Hour), "Expires: " + on(3*time.Hour)}, none},
		"an old form of Expires":         {200, []string{"Expires: Saturday, 01-Jan-00 02:00:00 GMT"}, time.Hour},
		"asctime":                        {200, []string{"Expires: Sat Jan  1 02:00:00 2000"}, time.Hour},
		"another case":                   {200, []string{"Expires: SAT, 01 JAN 2000 02:00:00 gmt"}, time.Hour},
		"no time zone of the standard":   {200, []string{"Expires: Sat, 01 Jan 2000 02:00:00 UTC"}, none},
		"Expires 0":                      {200, []string{"Expires: 0"}, none},
		"Expires not after Date":         {200, []string{"Date: " + now, "Expires: " + now}, none},
		"in quotes":                      {200, []string{`Cache-Control: max-age="9"`}, 9 * time.Second},
		"a number without bounds":        {200, []string{"Cache-Control: max-age=99999999999999999999"}, 1 << 31 * time.Second},
		"a number below 0":               {200, []string{"Cache-Control: max-age=-9"}, none},
		"a fraction":                     {200, []string{"Cache-Control: max-age=9.5"}, none},
		"a directive nobody knows":       {200, []string{`Cache-Control: max-age=9, x="max-age=5, no-store", y`}, 9 * time.Second}, // section 5.2.3
		"directives that disagree":       {200, []string{"Cache-Control: max-age=9, no-store"}, none},
		"the stricter of the two":        {200, []string{"Cache-Control: public, private, max-age=9"}, none},
		"Pragma of an answer is nothing": {200, []string{"Cache-Control: max-age=9", "Pragma: no-cache"}, 9 * time.Second}, // section 5.4
		"guessed":                        {200, []string{"Date: " + now, "Last-Modified: " + on(0)}, 6 * time.Minute},
		"guessed, within bounds":         {200, []string{"Last-Modified: " + on(-1000*24*time.Hour)}, 24 * time.Hour},
		"changed in the future":          {200, []string{"Last-Modified: " + on(2*time.Hour)}, none},
		"no guess beside a word":         {200, []string{"Cache-Control: max-age=0", "Last-Modified: " + on(0)}, 0},
		"no guess for this status":       {302, []string{"Last-Modified: " + on(0)}, none},
		"public lets guess":              {302, []string{"Last-Modified: " + on(0), "Cache-Control: public"}, 6 * time.Minute},
		"a status nobody knows":          {299, []string{"Cache-Control: max-age=9"}, 9 * time.Second},
		"to be understood":               {299, []string{"Cache-Control: max-age=9, must-understand"}, none},
		"understood, whatever no-store":  {200, []string{"Cache-Control: max-age=9, must-understand, no-store"}, 9 * time.Second},
		"a part":                         {206, []string{"Cache-Control: max-age=9"}, none},
		"a failure":                      {503, []string{"Cache-Control: max-age=9"}, none},
		"older than its lifetime":        {200, []string{"Cache-Control: max-age=9", "Age: 9"}, none},
		"an Age that is none":            {200, []string{"Cache-Control: max-age=9", "Age: old"}, none},
		"an Age below 0":                 {200, []string{"Cache-Control: max-age=9", "Age: -1"}, none},
		"a list of Ages":                 {200, []string{"Cache-Control: max-age=9", "Age: 0, 0"}, none},
		"two Ages":                       {200, []string{"Cache-Control: max-age=9", "Age: 0", "Age: 0"}, none},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, caching(false), func(l *lab) {
				time.Sleep(time.Hour)
				l.everywhere(always(answer{Response: Response{Status: tt.status, Header: saying(tt.lines...), Body: Body{Size: 10}}}))
				l.get("/")
				r, _ := l.component.server.(*proxy).store.kept.Peek("shop/")
				if tt.want == none {
					require.Nil(t, r)
					return
				}
				require.NotNil(t, r)
				require.Equal(t, tt.want, r.variants[0].lifetime)
			})
		})
	}
}

// TestAges: section 4.2.3, for an answer that took 3 s and is asked for again
// 5 s later.
func TestAges(t *testing.T) {
	for name, tt := range map[string]struct {
		lines []string
		want  string
	}{
		"the delay and the stay": {nil, "8"},
		"and what it came with":  {[]string{"Age: 10"}, "18"},
		"by its date":            {[]string{"Date: " + on(-57*time.Second)}, "64"}, // a second less: which part of it is not known
		"the older of the two":   {[]string{"Date: " + on(-57*time.Second), "Age: 100"}, "108"},
		"a clock that is ahead":  {[]string{"Date: " + on(time.Hour)}, "8"},
		"a date of no use":       {[]string{"Date: 0"}, "8"},
		"a very old one":         {[]string{"Age: 2000000000"}, "2000000008"},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, caching(false), func(l *lab) {
				fields := saying(tt.lines...)
				a := fine("Cache-Control", "max-age=2147483648").in(3 * time.Second)
				a.Header = append(a.Header, fields...)
				l.everywhere(always(a))
				l.get("/")
				time.Sleep(5 * time.Second)
				out := l.get("/", "Cache-Control", "max-stale")
				require.Equal(t, tt.want, out.Header.Values("Age"))
				require.Len(t, l.asked(), 1)
			})
		})
	}
}

// TestVariants: section 4.1. Asked first is answered and kept; what the next
// is told shows whether it may have the same.
func TestVariants(t *testing.T) {
	for name, tt := range map[string]struct {
		vary        string
		first, next []string
		word        string
	}{
		"the same":               {"Foo", []string{"Foo: 1"}, []string{"foo: 1", "Bar: 2"}, "hit"},
		"another":                {"Foo", []string{"Foo: 1"}, []string{"Foo: 2"}, "miss"},
		"left out":               {"Foo", []string{"Foo: 1"}, nil, "miss"},
		"left out before":        {"Foo", nil, []string{"Foo: 1"}, "miss"},
		"left out both times":    {"foo, BAR", []string{"Bar: 1"}, []string{"Bar: 1"}, "hit"},
		"empty is not left out":  {"Foo", nil, []string{"Foo: "}, "miss"},
		"one of two":             {"Foo, Bar", []string{"Foo: 1", "Bar: 2"}, []string{"Foo: 1", "Bar: 3"}, "miss"},
		"on two lines":           {"Foo", []string{"Foo: 1, 2"}, []string{"Foo: 1", "Foo: 2"}, "hit"},
		"white space":            {"Foo", []string{"Foo: 1,2"}, []string{"Foo: 1 , 2"}, "hit"},
		"languages in any order": {"Accept-Language", []string{"Accept-Language: en, de"}, []string{"Accept-Language: DE,en"}, "hit"},
		"anything":               {"*", nil, nil, "miss"},
		"anything and more":      {"Foo, *", nil, nil, "miss"},
		"empty members":          {", Foo,", []string{"Foo: 1"}, []string{"Foo: 1"}, "hit"},
		"what gzip is taken by":  {"Accept-Encoding", []string{"Accept-Encoding: gzip"}, []string{"Accept-Encoding: br, gzip;q=0.5"}, "hit"},
		"on two lines of Vary":   {"Foo\nBar", []string{"Foo: 1", "Bar: 1"}, []string{"Foo: 1", "Bar: 2"}, "miss"},
		"what no origin sees":    {"Foo", []string{"Foo: 1", "Connection: Foo"}, nil, "hit"},
		"nor stored for others":  {"Foo", []string{"Foo: 1", "Connection: Foo"}, []string{"Foo: 1"}, "miss"},
		"what Connection cannot": {"Accept-Language", []string{"Accept-Language: en", "Connection: accept-language"}, []string{"Accept-Language: en"}, "hit"},
		"and who does not":       {"Accept-Encoding", []string{"Accept-Encoding: gzip"}, []string{"Accept-Encoding: gzip;q=0"}, "miss"},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, caching(false), func(l *lab) {
				varies := cacheable()
				for line := range strings.SplitSeq(tt.vary, "\n") {
					varies.Header = varies.Header.Add("Vary", line)
				}
				l.everywhere(always(varies))
				l.ask("GET", "/", tt.first...)
				require.Equal(t, tt.word, xCache(l.ask("GET", "/", tt.next...)))
			})
		})
	}
}

// ask is do with fields as lines.
func (l *lab) ask(method, path string, lines ...string) *outcome {
	var fields []string
	for _, f := range saying(lines...) {
		fields = append(fields, f.Name, f.Value)
	}
	return l.do(method, path, fields...)
}

func TestVariantsAreKeptTogetherUpToABound(t *testing.T) {
	proxyLab(t, caching(true), func(l *lab) {
		l.everywhere(func(h Hop) answer { return cacheable("Vary", "Foo", "X-Foo", h.Request.Header.Get("Foo")) })
		for i := range mostVariants + 1 {
			l.get("/", "Foo", fmt.Sprint(i))
		}
		for i := range mostVariants + 1 {
			out := l.get("/", "Foo", fmt.Sprint(mostVariants-i))
			require.Equal(t, fmt.Sprint(mostVariants-i), out.Header.Get("X-Foo"))
			require.Equal(t, map[bool]string{true: "hit", false: "miss"}[i < mostVariants], xCache(out), "the oldest has gone")
		}
		l.do("DELETE", "/")
		require.Equal(t, "miss", xCache(l.get("/", "Foo", "3")), "a write makes all of them go")
	})
}

// TestDifferentVariantsDoNotWaitForEachOther, once it is known what they
// depend on.
func TestDifferentVariantsDoNotWaitForEachOther(t *testing.T) {
	proxyLab(t, caching(true), func(l *lab) {
		l.everywhere(always(fine("Cache-Control", "max-age=1", "Vary", "Foo").in(100 * ms)))
		l.get("/", "Foo", "0")
		time.Sleep(2 * time.Second)
		begin := l.now()
		one := l.during(func() *outcome { return l.get("/", "Foo", "1") })
		same := l.during(func() *outcome { return l.get("/", "Foo", "1") })
		other := l.during(func() *outcome { return l.get("/", "Foo", "2") })
		require.Equal(t, []string{"miss", "collapsed", "miss"}, []string{xCache(<-one), xCache(<-same), xCache(<-other)})
		require.Equal(t, 100*ms, l.now()-begin)
	})
}

// TestValidation: section 4.3.1 and 4.3.4, of what became stale after 2 s.
func TestValidation(t *testing.T) {
	changed := on(-time.Hour)
	for name, tt := range map[string]struct {
		lines   []string // of the stored answer
		request []string
		asks    []string // of the origin, as conditions
		told    string
	}{
		"by tag":             {[]string{`ETag: "1"`}, nil, []string{`If-None-Match: "1"`}, "revalidated 200"},
		"by weak tag":        {[]string{`ETag: W/"1"`}, nil, []string{`If-None-Match: W/"1"`}, "revalidated 200"},
		"by date":            {[]string{"Last-Modified: " + changed}, nil, []string{"If-Modified-Since: " + changed}, "revalidated 200"},
		"by both":            {[]string{`ETag: "1"`, "Last-Modified: " + changed}, nil, []string{`If-None-Match: "1"`, "If-Modified-Since: " + changed}, "revalidated 200"},
		"for who has it":     {[]string{`ETag: "1"`}, []string{`If-None-Match: "0", "1"`}, []string{`If-None-Match: "1"`}, "revalidated 304"},
		"for who has less":   {[]string{`ETag: "1"`}, []string{`If-None-Match: "0"`}, []string{`If-None-Match: "1"`}, "revalidated 200"},
		"for who has a date": {[]string{"Last-Modified: " + changed}, []string{"If-Modified-Since: " + changed}, []string{"If-Modified-Since: " + changed}, "revalidated 304"},
		"for a part":         {[]string{`ETag: "1"`}, []string{"Range: bytes=0-9"}, []string{`If-None-Match: "1"`}, "revalidated 206"},
		"on request":         {[]string{`ETag: "1"`}, []string{"Cache-Control: no-cache"}, []string{`If-None-Match: "1"`}, "revalidated 200"},
		"by Pragma":          {[]string{`ETag: "1"`}, []string{"Pragma: no-cache"}, []string{`If-None-Match: "1"`}, "revalidated 200"},
		"nothing to ask by":  {nil, []string{`If-None-Match: "0"`}, []string{`If-None-Match: "0"`}, "expired 304"},
		"not for origins":    {[]string{`ETag: "1"`}, []string{`If-Match: "1"`}, []string{`If-Match: "1"`}, "bypass 304"},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, caching(true), func(l *lab) {
				first := fine("Cache-Control", "max-age=2", "X-A", "1", "X-B", "1")
				first.Header = append(first.Header, saying(tt.lines...)...)
				confirmed := status(304, "X-B", "2", "Cache-Control", "max-age=7", "Connection", "X-C", "X-C", "2")
				confirmed.Body = Body{}
				l.everywhere(script(first, confirmed))
				l.get("/")
				time.Sleep(3 * time.Second)
				out := l.ask("GET", "/", tt.request...)
				require.Equal(t, tt.told, fmt.Sprint(xCache(out), " ", out.Status))
				var asks []string
				for _, f := range l.lastHop().Request.Header {
					if oneOf(preconditions, f.Name) {
						asks = append(asks, f.Name+": "+f.Value)
					}
				}
				require.Equal(t, tt.asks, asks)
				if !strings.HasPrefix(tt.told, "revalidated") {
					return
				}
				time.Sleep(6 * time.Second)
				out = l.get("/")
				require.Equal(t, "hit", xCache(out), "it is as fresh as the later head says")
				require.Equal(t, "6", out.Header.Get("Age"))
				require.Equal(t, []string{"1", "2", ""}, []string{out.Header.Values("X-A"), out.Header.Values("X-B"), out.Header.Values("X-C")})
				require.Equal(t, int64(1000), out.Body.Size)
				require.Empty(t, l.component.server.(*proxy).store.under.byKey)
			})
		})
	}
}

// TestWhatALaterHeadChanges: section 3.2. What goes with the body stays.
func TestWhatALaterHeadChanges(t *testing.T) {
	old := saying(`ETag: "1"`, "Content-Encoding: gzip", "Content-Type: a", "Expires: 1", "X-Kept: 1", "X-Two: 1", "X-Two: 2")
	later := saying(`ETag: "2"`, "Content-Encoding: br", "Content-Length: 0", "Content-Range: x", "content-type: b", "Expires: 2", "X-Two: 3", "X-New: 4")
	require.Equal(t, saying(`ETag: "1"`, "Content-Encoding: gzip", "X-Kept: 1", "content-type: b", "Expires: 2", "X-Two: 3", "X-New: 4"),
		freshened(old, later))
}

// TestAnswersToAValidation that are no 304: section 4.3.3.
func TestAnswersToAValidation(t *testing.T) {
	for name, tt := range map[string]struct {
		answer     answer
		told, next string
	}{
		"changed":         {cacheable("X-New", "1"), "expired 200", "hit"},
		"not for sharing": {fine("Cache-Control", "private"), "expired 200", "miss"},
		"gone":            {status(404), "expired 404", "miss"},
		"failed":          {status(500), "stale 200", "stale"},
		"refused":         {fails(policy.Refused, 0), "stale 200", "stale"},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, staleCaching(0, time.Minute), func(l *lab) {
				l.everywhere(script(fine("Cache-Control", "max-age=1", "ETag", `"1"`), tt.answer))
				l.get("/")
				time.Sleep(2 * time.Second)
				out := l.get("/")
				require.Equal(t, tt.told, fmt.Sprint(xCache(out), " ", out.Status))
				require.Equal(t, tt.next, xCache(l.get("/")))
			})
		})
	}
}

// TestNoCache: section 5.2.2.4. Such an answer is asked about each time, by
// each who wants it, and not given in the place of a failure.
func TestNoCache(t *testing.T) {
	proxyLab(t, staleCaching(time.Minute, time.Minute), func(l *lab) {
		confirmed := status(304).in(100 * ms)
		l.everywhere(script(fine("Cache-Control", "no-cache, max-age=60", "ETag", `"1"`), confirmed, confirmed, confirmed, confirmed, confirmed, status(500)))
		l.get("/a")
		require.Equal(t, []string{"revalidated 200 100ms", "revalidated 200 100ms", "revalidated 200 100ms", "revalidated 200 100ms", "revalidated 200 100ms"}, told(l.crowd()))
		require.Equal(t, 500, l.get("/a").Status)
		require.Equal(t, 500, l.get("/a", "Cache-Control", "max-stale").Status)
	})
}

// TestACookieBesideAConfirmation is for one: it is not kept with the answer,
// which is kept nevertheless.
func TestACookieBesideAConfirmation(t *testing.T) {
	proxyLab(t, caching(true), func(l *lab) {
		first := fine("Cache-Control", "max-age=1", "ETag", `"1"`)
		l.everywhere(script(first, status(304, "Cache-Control", "max-age=9", "Set-Cookie", "a=b")))
		l.get("/a")
		time.Sleep(2 * time.Second)
		require.Equal(t, "revalidated", xCache(l.get("/a")))
		out := l.get("/a")
		require.Equal(t, "hit", xCache(out))
		require.False(t, out.Header.Has("Set-Cookie"))
	})
}

// TestOneValidationForAll who come while it is under way.
func TestOneValidationForAll(t *testing.T) {
	proxyLab(t, caching(true), func(l *lab) {
		first := fine("Cache-Control", "max-age=1", "ETag", `"1"`)
		l.everywhere(script(first, status(304, "Cache-Control", "max-age=9").in(100*ms)))
		l.get("/a")
		time.Sleep(2 * time.Second)
		require.Equal(t, []string{"revalidated 200 2.1s", "collapsed 200 2.1s", "collapsed 200 2.1s", "collapsed 200 2.1s", "collapsed 200 2.1s"}, told(l.crowd()))
		require.Len(t, l.asked(), 2)
	})
}

// TestARenewalValidates: RFC 5861 section 3, beside the request.
func TestARenewalValidates(t *testing.T) {
	proxyLab(t, staleCaching(time.Minute, 0), func(l *lab) {
		l.everywhere(script(fine("Cache-Control", "max-age=1", "ETag", `"1"`), status(304, "Cache-Control", "max-age=9")))
		l.get("/a")
		time.Sleep(2 * time.Second)
		require.Equal(t, "updating", xCache(l.get("/a", "Range", "bytes=0-1")))
		synctest.Wait()
		require.Equal(t, `"1"`, l.lastHop().Request.Header.Get("If-None-Match"))
		require.False(t, l.lastHop().Request.Header.Has("Range"))
		out := l.get("/a")
		require.Equal(t, "hit", xCache(out))
		require.Equal(t, int64(1000), out.Body.Size)
	})
}

// TestAWriteDuringAValidation: the confirmation came too late to be kept.
func TestAWriteDuringAValidation(t *testing.T) {
	proxyLab(t, caching(true), func(l *lab) {
		l.everywhere(script(fine("Cache-Control", "max-age=1", "ETag", `"1"`), status(304, "Cache-Control", "max-age=9").in(100*ms), status(204), cacheable()))
		l.get("/a")
		time.Sleep(2 * time.Second)
		old := l.during(func() *outcome { return l.get("/a") })
		l.do("PUT", "/a")
		require.Equal(t, "revalidated", xCache(<-old), "it was asked for before the write")
		require.Equal(t, "miss", xCache(l.get("/a")))
	})
}

// TestConditions: section 4.3.2, of a fresh answer from an hour into the
// millennium.
func TestConditions(t *testing.T) {
	changed := on(30 * time.Minute)
	for name, tt := range map[string]struct {
		lines, request []string
		status         int
	}{
		"the tag":                   {[]string{`ETag: "1"`}, []string{`If-None-Match: "1"`}, 304},
		"another tag":               {[]string{`ETag: "1"`}, []string{`If-None-Match: "2"`}, 200},
		"one of several":            {[]string{`ETag: "1"`}, []string{`If-None-Match: "0", W/"1" , "2"`}, 304},
		"on two lines":              {[]string{`ETag: "1"`}, []string{`If-None-Match: "0"`, `If-None-Match: "1"`}, 304},
		"a comma in the tag":        {[]string{`ETag: "a,b"`}, []string{`If-None-Match: "x", "a,b"`}, 304},
		"part of a tag":             {[]string{`ETag: "b"`}, []string{`If-None-Match: "a,"b"`}, 200},
		"any":                       {nil, []string{"If-None-Match: *"}, 304},
		"no tag to compare":         {nil, []string{`If-None-Match: "1"`}, 200},
		"tags go before dates":      {[]string{`ETag: "1"`, "Last-Modified: " + changed}, []string{`If-None-Match: "2"`, "If-Modified-Since: " + changed}, 200},
		"also when they match":      {[]string{`ETag: "1"`, "Last-Modified: " + changed}, []string{`If-None-Match: "1"`, "If-Modified-Since: " + on(0)}, 304},
		"the date":                  {[]string{"Last-Modified: " + changed}, []string{"If-Modified-Since: " + changed}, 304},
		"a later date":              {[]string{"Last-Modified: " + changed}, []string{"If-Modified-Since: " + on(time.Hour)}, 304},
		"an earlier date":           {[]string{"Last-Modified: " + changed}, []string{"If-Modified-Since: " + on(29*time.Minute)}, 200},
		"an old form of the date":   {[]string{"Last-Modified: " + changed}, []string{"If-Modified-Since: Saturday, 01-Jan-00 00:30:00 GMT"}, 304},
		"no date":                   {[]string{"Last-Modified: " + changed}, []string{"If-Modified-Since: yesterday"}, 200},
		"by Date, if nothing else":  {[]string{"Date: " + changed}, []string{"If-Modified-Since: " + changed}, 304},
		"by when it came":           {nil, []string{"If-Modified-Since: " + on(time.Hour)}, 304},
		"before it came":            {nil, []string{"If-Modified-Since: " + changed}, 200},
		"a condition before a part": {[]string{`ETag: "1"`}, []string{`If-None-Match: "1"`, "Range: bytes=0-1"}, 304},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, caching(false), func(l *lab) {
				time.Sleep(time.Hour)
				a := fine("Cache-Control", "max-age=36000")
				a.Header = append(a.Header, saying(tt.lines...)...)
				l.everywhere(always(a))
				l.get("/")
				out := l.ask("GET", "/", tt.request...)
				require.Equal(t, tt.status, out.Status)
				require.Equal(t, "hit", xCache(out))
				if tt.status == 304 {
					require.Equal(t, Body{}, out.Body)
					require.Equal(t, a.Header.Get("ETag"), out.Header.Get("ETag"))
				}
			})
		})
	}
	proxyLab(t, caching(false), func(l *lab) {
		l.everywhere(always(status(404, "Cache-Control", "max-age=9", "ETag", `"1"`)))
		l.get("/")
		require.Equal(t, 404, l.get("/", "If-None-Match", `"1"`).Status, "only what is fine can be had")
	})
}

// TestRanges: RFC 9110 section 14, from a whole stored answer of 11 bytes.
func TestRanges(t *testing.T) {
	for name, tt := range map[string]struct {
		request []string
		status  int
		body    string
		content string // Content-Range
	}{
		"the first two":       {[]string{"Range: bytes=0-1"}, 206, "01", "bytes 0-1/11"},
		"to the end":          {[]string{"Range: bytes=9-"}, 206, "9A", "bytes 9-10/11"},
		"the last":            {[]string{"Range: BYTES=-1"}, 206, "A", "bytes 10-10/11"},
		"more than all":       {[]string{"Range: bytes=-99"}, 206, "0123456789A", "bytes 0-10/11"},
		"past the end":        {[]string{"Range: bytes=9-99999999999999999999"}, 206, "9A", "bytes 9-10/11"},
		"beyond":              {[]string{"Range: bytes=11-12"}, 416, "", "bytes */11"},
		"the last none":       {[]string{"Range: bytes=-0"}, 416, "", "bytes */11"},
		"backwards":           {[]string{"Range: bytes=3-2"}, 200, "0123456789A", ""},
		"several":             {[]string{"Range: bytes=0-1,3-4"}, 200, "0123456789A", ""},
		"another unit":        {[]string{"Range: lines=0-1"}, 200, "0123456789A", ""},
		"signs":               {[]string{"Range: bytes=+0-1"}, 200, "0123456789A", ""},
		"if it is the same":   {[]string{"Range: bytes=0-1", `If-Range: "1"`}, 206, "01", "bytes 0-1/11"},
		"if it is not":        {[]string{"Range: bytes=0-1", `If-Range: "2"`}, 200, "0123456789A", ""},
		"a weak tag is none":  {[]string{"Range: bytes=0-1", `If-Range: W/"1"`}, 200, "0123456789A", ""},
		"the very date":       {[]string{"Range: bytes=0-1", "If-Range: " + on(0)}, 206, "01", "bytes 0-1/11"},
		"another date":        {[]string{"Range: bytes=0-1", "If-Range: " + on(time.Second)}, 200, "0123456789A", ""},
		"a condition that is": {[]string{"Range: bytes=0-1", `If-None-Match: "2"`}, 206, "01", "bytes 0-1/11"},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, caching(false), func(l *lab) {
				whole := cacheable("ETag", `"1"`, "Last-Modified", on(0))
				whole.Body = Body{Size: 11, Bytes: []byte("0123456789A")}
				l.everywhere(always(whole))
				l.get("/")
				out := l.ask("GET", "/", tt.request...)
				require.Equal(t, tt.status, out.Status)
				require.Equal(t, tt.body, string(out.Body.Bytes))
				require.Equal(t, int64(len(tt.body)), out.Body.Size)
				require.Equal(t, tt.content, out.Header.Get("Content-Range"))
				require.Equal(t, "hit", xCache(out))
				require.Equal(t, "0123456789A", string(l.get("/").Body.Bytes))
			})
		})
	}
}

// TestAPartIsNotTheWhole: what the origin sends in part is handed on, and not
// kept.
func TestAPartIsNotTheWhole(t *testing.T) {
	proxyLab(t, caching(true), func(l *lab) {
		l.everywhere(script(status(206, "Cache-Control", "max-age=60", "Content-Range", "bytes 0-9/1000"), cacheable()))
		out := l.get("/", "Range", "bytes=0-9")
		require.Equal(t, 206, out.Status)
		require.Equal(t, "bytes=0-9", l.lastHop().Request.Header.Get("Range"))
		require.Equal(t, "miss", xCache(l.get("/")))
		require.Equal(t, "hit", xCache(l.get("/")))
	})
}

// TestHeads: section 4.3.5. The head of a stale answer is asked for, and what
// it says is believed.
func TestHeads(t *testing.T) {
	for name, tt := range map[string]struct {
		lines []string
		size  int64
		next  string
	}{
		"it still holds": {[]string{`ETag: "1"`, "Cache-Control: max-age=60", "X-A: 2"}, 1000, "hit 2"},
		"another tag":    {[]string{`ETag: "2"`, "Cache-Control: max-age=60"}, 1000, "miss 1"},
		"another length": {[]string{`ETag: "1"`, "Cache-Control: max-age=60"}, 999, "miss 1"},
		"another date":   {[]string{"Last-Modified: " + on(0), "Cache-Control: max-age=60"}, 1000, "miss 1"},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, caching(true), func(l *lab) {
				whole := fine("Cache-Control", "max-age=2", "ETag", `"1"`, "X-A", "1")
				head := answer{Response: Response{Status: 200, Header: saying(tt.lines...), Body: Body{Size: tt.size}}}
				l.everywhere(func(h Hop) answer {
					if h.Request.Method == "HEAD" {
						return head
					}
					return whole
				})
				l.get("/")
				require.Equal(t, "hit", xCache(l.do("HEAD", "/")))
				time.Sleep(3 * time.Second)
				require.Equal(t, "expired", xCache(l.do("HEAD", "/")))
				out := l.get("/")
				require.Equal(t, tt.next, xCache(out)+" "+out.Header.Get("X-A"))
			})
		})
	}
}

// TestInvalidation: section 4.4. What a write says it wrote besides goes too,
// if it is of the same origin.
func TestInvalidation(t *testing.T) {
	for name, tt := range map[string]struct {
		method string
		answer answer
		gone   []string
	}{
		"the target":              {"POST", status(200), []string{"/a"}},
		"whatever the method":     {"M-SEARCH", status(200), []string{"/a"}},
		"sent elsewhere":          {"POST", status(303, "Location", "/b"), []string{"/a", "/b"}},
		"told by its path":        {"PUT", status(201, "Content-Location", "b?c=d"), []string{"/a", "/b?c=d"}},
		"told in full":            {"PUT", status(201, "Location", "http://SHOP/b"), []string{"/a", "/b"}},
		"with the usual port":     {"PUT", status(201, "Location", "http://shop:80/b"), []string{"/a", "/b"}},
		"with a lifetime":         {"POST", cacheable("Content-Location", "/b"), []string{"/a", "/b"}}, // and is not stored for GET: RFC 9110 section 9.3.3
		"of another host":         {"PUT", status(201, "Location", "http://other/b"), []string{"/a"}},
		"of another port":         {"PUT", status(201, "Location", "http://shop:81/b"), []string{"/a"}},
		"of another scheme":       {"PUT", status(201, "Location", "https://shop/b"), []string{"/a"}},
		"no reference":            {"PUT", status(201, "Location", "http://[::"), []string{"/a"}},
		"a write that went wrong": {"POST", status(500, "Location", "/b"), nil},
		"or was refused":          {"DELETE", status(403), nil},
		"no write":                {"OPTIONS", status(200), nil},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, caching(true), func(l *lab) {
				l.everywhere(func(h Hop) answer {
					if h.Request.Method == "GET" {
						return cacheable()
					}
					return tt.answer
				})
				all := []string{"/a", "/b", "/b?c=d"}
				for _, target := range all {
					get(l, target)
				}
				l.do(tt.method, "/a")
				var gone []string
				for _, target := range all {
					if xCache(get(l, target)) == "miss" {
						gone = append(gone, target)
					}
				}
				require.Equal(t, tt.gone, gone)
			})
		})
	}
}

// TestRequestDirectives: section 5.2.1, of an answer that is 10 s old, fresh
// for 20 s or no longer since 5 s.
func TestRequestDirectives(t *testing.T) {
	for name, tt := range map[string]struct {
		lifetime string
		control  string
		word     string
		status   int
	}{
		"nothing asked":                 {"max-age=20", "", "hit", 200},
		"young enough":                  {"max-age=20", "max-age=10", "hit", 200},
		"too old":                       {"max-age=20", "max-age=9", "expired", 200},
		"too old, but it never changes": {"max-age=20, immutable", "max-age=0", "hit", 200}, // RFC 8246
		"unless they insist":            {"max-age=20, immutable", "no-cache", "bypass", 200},
		"fresh for long enough":         {"max-age=20", "min-fresh=10", "hit", 200},
		"not for long enough":           {"max-age=20", "min-fresh=11", "expired", 200},
		"an age of no use":              {"max-age=20", "max-age=old", "expired", 200},
		"stale":                         {"max-age=5", "", "expired", 200},
		"a directive nobody knows":      {"max-age=20", "x=1, y", "hit", 200},
		"the first of two":              {"max-age=20", "max-age=9, max-age=10", "expired", 200},
		"stale, but they take it":       {"max-age=5", "max-stale=5", "stale", 200},
		"however stale":                 {"max-age=5", "max-stale", "stale", 200},
		"too stale":                     {"max-age=5", "max-stale=4", "expired", 200},
		"staleness of no use":           {"max-age=5", "max-stale=x", "expired", 200},
		"stale, but not too old":        {"max-age=5", "max-stale, max-age=9", "expired", 200},
		"must not be given stale":       {"max-age=5, must-revalidate", "max-stale", "expired", 200},
		"nor from shared caches":        {"max-age=5, proxy-revalidate", "max-stale", "expired", 200},
		"nor by s-maxage":               {"s-maxage=5", "max-stale", "expired", 200},
		"only what is cached":           {"max-age=5", "only-if-cached", "expired", 504},
		"only if cached, and it is":     {"max-age=20", "only-if-cached", "hit", 200},
		"nothing kept":                  {"max-age=20", "no-store", "bypass", 200},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, caching(true), func(l *lab) {
				l.everywhere(always(fine("Cache-Control", tt.lifetime)))
				l.get("/")
				time.Sleep(10 * time.Second)
				out := l.get("/", "Cache-Control", tt.control)
				require.Equal(t, fmt.Sprint(tt.word, " ", tt.status), fmt.Sprint(xCache(out), " ", out.Status))
			})
		})
	}
}

// TestFieldsSetApart: sections 5.2.2.4 and 5.2.2.7 with names of fields, and
// what section 3.1 has left out.
func TestFieldsSetApart(t *testing.T) {
	proxyLab(t, caching(true), func(l *lab) {
		l.everywhere(always(cacheable("Cache-Control", `no-cache="a, B"`, "Cache-Control", "private=c", "A", "1", "B", "1", "C", "1", "D", "1",
			"Proxy-Authentication-Info", "x", "Content-Length", "1000")))
		require.Equal(t, "1", l.get("/").Header.Get("A"), "who it was made for gets all")
		out := l.get("/")
		require.Equal(t, "hit", xCache(out))
		require.Equal(t, "1", out.Header.Get("D"))
		for _, name := range []string{"A", "B", "C", "Proxy-Authentication-Info", "Content-Length"} {
			require.False(t, out.Header.Has(name), name)
		}
	})
}

// TestCookies are for one, unless the node has it otherwise (section 7.3).
func TestCookies(t *testing.T) {
	for keeps, word := range map[bool]string{false: "miss", true: "hit"} {
		node := caching(true)
		node.Cache.Cookies = keeps
		proxyLab(t, node, func(l *lab) {
			l.everywhere(always(cacheable("Set-Cookie", "a=b")))
			l.get("/")
			require.Equal(t, word, xCache(l.get("/")))
		})
	}
}

// TestTargetedDirectives: RFC 9213.
func TestTargetedDirectives(t *testing.T) {
	for name, tt := range map[string]struct {
		kind  topologies.Kind
		lines []string
		word  string // after 10 s
	}{
		"it goes first":                 {topologies.CDN, []string{"CDN-Cache-Control: max-age=60", "Cache-Control: no-store"}, "hit"},
		"also to forbid":                {topologies.CDN, []string{"CDN-Cache-Control: no-store", "Cache-Control: max-age=60"}, "miss"},
		"Expires counts no more":        {topologies.CDN, []string{"CDN-Cache-Control: public", "Expires: " + on(time.Hour)}, "miss"},
		"it is for CDNs":                {topologies.ReverseProxy, []string{"CDN-Cache-Control: max-age=60", "Cache-Control: no-store"}, "miss"},
		"empty":                         {topologies.CDN, []string{"CDN-Cache-Control: ", "Cache-Control: max-age=60"}, "hit"},
		"it does not parse":             {topologies.CDN, []string{"CDN-Cache-Control: max-age=60, &", "Cache-Control: max-age=5"}, "expired"},
		"names in capitals do not":      {topologies.CDN, []string{"CDN-Cache-Control: Max-Age=60", "Cache-Control: max-age=5"}, "expired"},
		"nor a comma at the end":        {topologies.CDN, []string{"CDN-Cache-Control: max-age=60,", "Cache-Control: max-age=5"}, "expired"},
		"the last of a name counts":     {topologies.CDN, []string{"CDN-Cache-Control: max-age=5, max-age=60"}, "hit"},
		"parameters do not":             {topologies.CDN, []string{"CDN-Cache-Control: max-age=60;x=1;y"}, "hit"},
		"on two lines":                  {topologies.CDN, []string{"CDN-Cache-Control: public", "CDN-Cache-Control: max-age=60"}, "hit"},
		"false is not there":            {topologies.CDN, []string{"CDN-Cache-Control: no-store=?0, max-age=60"}, "hit"},
		"a decimal is no lifetime":      {topologies.CDN, []string{"CDN-Cache-Control: max-age=60.0", "Cache-Control: max-age=60"}, "miss"},
		"nothing else said, none known": {topologies.CDN, []string{"CDN-Cache-Control: x=(1 2);a, y=:YQ==:", "Cache-Control: max-age=60"}, "miss"},
	} {
		t.Run(name, func(t *testing.T) {
			node := caching(true)
			node.Kind = tt.kind
			proxyLab(t, node, func(l *lab) {
				l.everywhere(always(answer{Response: Response{Status: 200, Header: saying(tt.lines...), Body: Body{Size: 10}}}))
				l.get("/")
				time.Sleep(10 * time.Second)
				require.Equal(t, tt.word, xCache(l.get("/")))
			})
		})
	}
}

func TestParseTargeted(t *testing.T) {
	for value, ok := range map[string]bool{
		"max-age=60": true, "a": true, "  a , b  ": true, "*x=1": true, "a=-1": true, `a="q\"\\"`: true, "a=?1;b;c=2": true,
		"a=(1 \"x\" t;p=1)": true, "a=()": true, "a=:aGk=:": true, "a=tok/en": true, "a=123456789012.123": true,
		"": false, " ": false, ",": false, "a,,b": false, "a b": false, "A": false, "1a": false, "a=": false, `a="x`: false, `a="\x"`: false,
		"a=1.": false, "a=1.2345": false, "a=1234567890123456": false, "a=?2": false, "a=(1": false, "a=(1,2)": false, "a=(1 (2))": false, "a=:x": false,
		"a;": false, "a;B": false, "a=\x01": false, "a=é": false, "a = 1": false,
	} {
		_, got := parseTargeted(value)
		require.Equal(t, ok, got, "%q", value)
	}
}

// FuzzParseTargeted: nothing panics; a member more at the end is seen if and
// only if the rest parses; and no lifetime is out of bounds.
func FuzzParseTargeted(f *testing.F) {
	for _, seed := range []string{"max-age=60", "a=(1 2);x, b", `a="x\"", b=?0`, "a=:YQ==:", "a=1.5, ,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		d, ok := parseTargeted(value)
		require.LessOrEqual(t, max(d.maxAge, d.sharedMaxAge), 1<<31*time.Second)
		more, still := parseTargeted(value + ",no-store")
		require.Equal(t, ok, still)
		require.Equal(t, ok, more.noStore)
	})
}

// FuzzByteRange: what is given is within the body, and within what was asked
// for.
func FuzzByteRange(f *testing.F) {
	f.Add("bytes=0-1", int64(10))
	f.Add("bytes=-5", int64(0))
	f.Add("bytes=9223372036854775807-9223372036854775807", int64(3))
	f.Fuzz(func(t *testing.T, text string, size int64) {
		if size < 0 {
			return
		}
		from, to, ok := byteRange(text, size)
		if !ok || from >= to {
			return
		}
		require.GreaterOrEqual(t, from, int64(0))
		require.LessOrEqual(t, to, size)
	})
}

// TestCacheStatus: RFC 9211, with each word there is.
func TestCacheStatus(t *testing.T) {
	proxyLab(t, staleCaching(time.Second, time.Minute), func(l *lab) {
		says := func(out *outcome) string { return xCache(out) + ": " + out.Header.Values("Cache-Status") }
		first := fine("Cache-Control", "max-age=2", "ETag", `"1"`, "Cache-Status", "inner; hit")
		l.everywhere(script(first, status(304), status(304), status(500), fine("Cache-Control", "no-store")))
		require.Equal(t, "miss: inner; hit, edge; fwd=uri-miss; stored", says(l.get("/")))
		require.Equal(t, "hit: inner; hit, edge; hit; ttl=2", says(l.get("/")))
		time.Sleep(2500 * ms)
		require.Equal(t, "updating: inner; hit, edge; hit; ttl=0", says(l.get("/")))
		synctest.Wait()
		time.Sleep(4 * time.Second)
		require.Equal(t, "revalidated: inner; hit, edge; fwd=stale; fwd-status=304; ttl=2", says(l.get("/")))
		time.Sleep(9 * time.Second)
		require.Equal(t, "stale: inner; hit, edge; fwd=stale; fwd-status=500; ttl=-7", says(l.get("/")))
		require.Equal(t, "bypass: edge; fwd=method", says(l.do("POST", "/x")))
		require.Equal(t, "bypass: edge; fwd=request", says(l.get("/", "Cache-Control", "no-store")))
		l.everywhere(always(cacheable("Vary", "Foo").in(100 * ms)))
		l.get("/v", "Foo", "1")
		require.Equal(t, "miss: edge; fwd=vary-miss; stored", says(l.get("/v", "Foo", "2")))
		require.Equal(t, "collapsed: edge; fwd=uri-miss; collapsed; ttl=60", says(l.crowd()[1]))
		require.Equal(t, "bypass: edge; fwd=bypass", says(l.send(newEvent(), Request{Method: "GET", Host: "shop", Path: "/v", Size: 9})))
		l.everywhere(always(fine("Cache-Control", "max-age=9, stale-if-error=60")))
		l.get("/z")
		time.Sleep(time.Second)
		require.Equal(t, "expired: edge; fwd=request; stored", says(l.get("/z", "Cache-Control", "max-age=0")), "it was fresh")
		time.Sleep(10 * time.Second)
		require.Equal(t, "stale: edge; hit; ttl=-1", says(l.get("/z", "Cache-Control", "max-stale")), "as it was asked for")
		for reason, detail := range map[policy.Reason]string{policy.Refused: "refused", policy.Reset: "reset", policy.Timeout: "timeout"} {
			l.everywhere(always(fails(reason, 0)))
			require.Equal(t, "stale: edge; fwd=stale; detail="+detail+"; ttl=-1", says(l.get("/z")))
		}
		require.Equal(t, "miss: edge; fwd=uri-miss", says(l.get("/y")))
	})
}

// TestRoutesDoNotShareAnswers: which of them a request takes can depend on more
// than its target. A write makes what all of them have led to go.
func TestRoutesDoNotShareAnswers(t *testing.T) {
	node := caching(true)
	node.Routes = []topologies.Route{{Path: "/a"}, {Path: "/a", Header: pair("X-Beta", "1"), Request: set("X-Version", "2")}}
	proxyLab(t, node, func(l *lab) {
		l.everywhere(func(h Hop) answer { return cacheable("X-Version", h.Request.Header.Get("X-Version")) })
		for i, want := range []string{"miss", "hit", "miss"} {
			out := l.get("/a")
			require.Equal(t, want+" ", xCache(out)+" "+out.Header.Get("X-Version"))
			out = l.get("/a", "X-Beta", "1")
			require.Equal(t, want+" 2", xCache(out)+" "+out.Header.Get("X-Version"))
			if i == 1 {
				l.do("DELETE", "/a")
			}
		}
	})
}

// TestAGetWithABody neither fills the store nor is answered from it.
func TestAGetWithABody(t *testing.T) {
	proxyLab(t, caching(true), func(l *lab) {
		l.everywhere(always(cacheable()))
		ask := func(size int64) string {
			return xCache(l.send(newEvent(), Request{Method: "GET", Host: "shop", Path: "/a", Size: size}))
		}
		require.Equal(t, []string{"bypass", "miss", "bypass", "bypass", "hit"}, []string{ask(9), ask(0), ask(9), ask(-1), ask(0)})
	})
}

// TestWhatIsTheSameTarget: hosts are alike in any case, and queries are not
// left out.
func TestWhatIsTheSameTarget(t *testing.T) {
	proxyLab(t, caching(true), func(l *lab) {
		l.everywhere(always(cacheable()))
		ask := func(host, path, query string) string {
			return xCache(l.send(newEvent(), Request{Method: "GET", Host: host, Path: path, Query: query}))
		}
		require.Equal(t, "miss", ask("shop", "/a", ""))
		require.Equal(t, "hit", ask("SHOP", "/a", ""))
		require.Equal(t, "miss", ask("shop", "/A", ""))
		require.Equal(t, "miss", ask("other", "/a", ""))
		require.Equal(t, "miss", ask("shop", "/a", "b"))
		require.Equal(t, "miss", ask("shop", "/a", "B"))
		require.Equal(t, "hit", ask("shop:80", "/a", "B"), "the port that goes without saying")
		require.Equal(t, "miss", ask("shop:443", "/a", "B"))
		require.Equal(t, "miss", ask("shop:8080", "/a", "B"))
		require.Equal(t, "miss", ask("shop", "/a", "b=1&c=2"))
		require.Equal(t, "miss", ask("shop", "/a", "c=2&b=1"), "an order may have a meaning")
		require.Equal(t, "miss", ask("shop", "/%61", ""), "as may what is escaped")
		require.Equal(t, "hit", xCache(l.send(newEvent(), Request{Method: "GET", Host: "shop", Path: "/%61"})))
	})
}

// TestPragma: section 5.4. It counts where there is no Cache-Control.
func TestPragma(t *testing.T) {
	proxyLab(t, caching(false), func(l *lab) {
		l.everywhere(always(cacheable()))
		l.get("/")
		require.Equal(t, "bypass", xCache(l.get("/", "Pragma", "no-cache")))
		require.Equal(t, "hit", xCache(l.get("/", "Pragma", "no-cache", "Cache-Control", "max-age=9")))
	})
}
