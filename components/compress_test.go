package components

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"trafficlab/topologies"
)

func TestWhoTakesGzip(t *testing.T) {
	for list, want := range map[string]bool{
		"":                       false,
		"gzip":                   true,
		"br, GZIP":               true,
		"gzip;q=0":               false,
		"gzip; q=0.001":          true,
		"gzip;q=nonsense":        false,
		"*":                      true,
		"*;q=0":                  false,
		"*, gzip;q=0":            false,
		"gzip;q=0, *":            false,
		"identity":               false,
		"x-gzip":                 true,
		"deflate, gzip;q=1.0, *": true,
	} {
		require.Equal(t, want, takenCodings(list) == "gzip", list)
	}
}

func TestCompression(t *testing.T) {
	sized := func(size int64, fields ...string) answer {
		a := fine(fields...)
		a.Body.Size = size
		return a
	}
	typed := func(contentType string) answer {
		a := fine()
		a.Header = Header{{"Content-Type", contentType}}
		return a
	}
	const (
		no      = ""     // neither coded nor varying
		offered = "vary" // would be coded for those who take it
		coded   = "gzip"
	)
	for name, tt := range map[string]struct {
		method, accept string
		answer         answer
		want           string
	}{
		"taken":                 {"GET", "gzip", fine(), coded},
		"not taken":             {"GET", "br", fine(), offered},
		"too small":             {"GET", "gzip", sized(255), no},
		"just large enough":     {"GET", "gzip", sized(256), coded},
		"of unknown size":       {"GET", "gzip", sized(-1), coded},
		"coded already":         {"GET", "gzip", fine("Content-Encoding", "br"), no},
		"not to be transformed": {"GET", "gzip", fine("Cache-Control", "no-transform"), no},
		"a picture":             {"GET", "gzip", typed("image/png"), no},
		"a drawing":             {"GET", "gzip", typed("image/svg+xml"), coded},
		"text":                  {"GET", "gzip", typed("Text/HTML; charset=utf-8"), coded},
		"a dialect of JSON":     {"GET", "gzip", typed("application/problem+json"), coded},
		"of no type":            {"GET", "gzip", typed(""), no},
		"HEAD":                  {"HEAD", "gzip", fine(), coded}, // RFC 9110 section 9.3.2
		"204":                   {"GET", "gzip", status(204), no},
		"206":                   {"GET", "gzip", status(206), no},
		"an error page too":     {"GET", "gzip", status(404), coded},
	} {
		t.Run(name, func(t *testing.T) {
			proxyLab(t, topologies.Node{Compress: []string{"gzip"}}, func(l *lab) {
				l.everywhere(always(tt.answer))
				out := l.do(tt.method, "/", "Accept-Encoding", tt.accept)
				require.False(t, l.lastHop().Request.Header.Has("Accept-Encoding"), "upstreams are asked for plain text")
				require.Equal(t, tt.want == coded, out.Encode == "gzip")
				require.Equal(t, tt.want == coded, out.Header.Get("Content-Encoding") == "gzip")
				require.Equal(t, tt.want != no, out.Header.Get("Vary") == "Accept-Encoding")
			})
		})
	}
}

func TestCompressionOfWhatIsStored(t *testing.T) {
	node := caching(true)
	node.Compress = []string{"gzip"}
	proxyLab(t, node, func(l *lab) {
		l.everywhere(always(cacheable("ETag", `"1"`, "Vary", "Accept-Encoding", "Content-Length", "1000")))
		require.Empty(t, l.get("/").Encode)
		out := l.get("/", "Accept-Encoding", "gzip")
		require.Equal(t, "hit", xCache(out), "one stored answer serves both")
		require.Equal(t, "gzip", out.Encode)
		require.Equal(t, `W/"1"`, out.Header.Get("ETag"))
		require.Equal(t, "Accept-Encoding", out.Header.Values("Vary"))
		require.False(t, out.Header.Has("Content-Length"))
		head := l.do("HEAD", "/", "Accept-Encoding", "gzip")
		require.Equal(t, out.Header, head.Header, "it would be the same")
		for _, tag := range []string{`"1"`, `W/"1"`} {
			has := l.get("/", "Accept-Encoding", "gzip", "If-None-Match", tag)
			require.Equal(t, 304, has.Status)
			require.Equal(t, `W/"1"`, has.Header.Get("ETag"), "which a whole answer would have (RFC 9110 section 15.4.5)")
			require.False(t, has.Header.Has("Content-Encoding"))
		}
		require.Equal(t, `"1"`, l.get("/", "If-None-Match", `"1"`).Header.Get("ETag"))
		out = l.get("/", "Accept-Encoding", "gzip", "Cache-Control", "no-transform")
		require.Empty(t, out.Encode, "RFC 9111 section 5.2.1.6")
		require.Equal(t, "Accept-Encoding", out.Header.Values("Vary"))
	})
}

func TestFillerIsAlwaysTheSame(t *testing.T) {
	long := Filler(100_000)
	require.Len(t, long, 100_000)
	require.Equal(t, long[:1000], Filler(1000))
	require.Empty(t, Filler(0))
	require.Equal(t, `[{"id": `, string(long[:8]))
}

func TestFillerCompressesLikeJSON(t *testing.T) {
	for _, size := range []int64{16 << 10, 256 << 10} {
		ratio := float64(size) / float64(EncodedSize("gzip", Body{Size: size}))
		require.Greater(t, ratio, 4.0)
		require.Less(t, ratio, 8.0)
	}
}

// plain undoes a content coding.
func plain(t *testing.T, coding string, coded io.Reader) []byte {
	var from io.Reader
	switch coding {
	case "gzip":
		r, err := gzip.NewReader(coded)
		require.NoError(t, err)
		from = r
	case "br":
		from = brotli.NewReader(coded)
	case "zstd":
		r, err := zstd.NewReader(coded, zstd.WithDecoderMaxWindow(8<<20)) // what RFC 9659 lets clients bound it by
		require.NoError(t, err)
		defer r.Close()
		from = r
	}
	text, err := io.ReadAll(from)
	require.NoError(t, err)
	return text
}

// TestEncodedSizeIsExact: whatever the cuts between writes, the coded bytes
// are as many as the simulator counts, and decode to the text.
func TestEncodedSizeIsExact(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for coding := range encoders {
		for _, size := range []int64{0, 1, 256, 1000, 65_535, 65_536, 65_537, 300_000, 3_000_000} {
			for range 5 {
				var coded bytes.Buffer
				w := Encode(&coded, coding)
				for rest := Filler(size); len(rest) > 0; {
					n := min(1+random.IntN(40_000), len(rest))
					_, err := w.Write(rest[:n])
					require.NoError(t, err)
					rest = rest[n:]
				}
				require.NoError(t, w.Close())
				require.NoError(t, w.Close(), "a second close does nothing")
				require.EqualValues(t, coded.Len(), EncodedSize(coding, Body{Size: size}), "%s, size %d", coding, size)
				require.True(t, bytes.Equal(Filler(size), plain(t, coding, &coded)))
			}
		}
	}
	require.EqualValues(t, 1234, EncodedSize("", Body{Size: 1234}))
	require.EqualValues(t, -1, EncodedSize("gzip", Body{Size: -1}))
	body := []byte(fmt.Sprint(make([]int, 1000)))
	require.Less(t, EncodedSize("gzip", Body{Size: int64(len(body)), Bytes: body}), int64(200))
}

// TestFlushedTextCanBeReadAtOnce: what comes slowly is not held back.
func TestFlushedTextCanBeReadAtOnce(t *testing.T) {
	for coding := range encoders {
		var coded bytes.Buffer
		w := Encode(&coded, coding)
		_, err := io.WriteString(w, "as far as this")
		require.NoError(t, err)
		require.NoError(t, w.Flush())
		var from io.Reader
		sofar := bytes.NewReader(coded.Bytes())
		switch coding {
		case "gzip":
			from, err = gzip.NewReader(sofar)
			require.NoError(t, err)
		case "br":
			from = brotli.NewReader(sofar)
		case "zstd":
			from, err = zstd.NewReader(sofar, zstd.WithDecoderConcurrency(1))
			require.NoError(t, err)
		}
		text := make([]byte, len("as far as this"))
		_, err = io.ReadFull(from, text)
		require.NoError(t, err, coding)
		require.Equal(t, "as far as this", string(text))
		require.NoError(t, w.Close())
	}
}

// TestChoose: RFC 9110 section 12.5.3, of three codings offered in this order.
func TestChoose(t *testing.T) {
	offered := []string{"zstd", "br", "gzip"}
	for accepted, want := range map[string]struct {
		coding string
		must   bool
	}{
		"":                                 {"", false},
		"gzip":                             {"gzip", false},
		"gzip, br":                         {"br", false},
		"gzip, deflate, br, zstd":          {"zstd", false},
		"GZIP;Q=0.8, br;q=0.7":             {"gzip", false},
		"zstd;q=0, *":                      {"br", false},
		"*":                                {"zstd", false},
		"*;q=0":                            {"", false},
		"deflate":                          {"", false},
		"identity":                         {"", false},
		"gzip;q=0.5, identity":             {"", false},
		"gzip;q=0.5, identity;q=0.5":       {"gzip", false},
		"gzip, identity;q=0":               {"gzip", true},
		"gzip;q=0.1, *;q=0":                {"gzip", true},
		"identity;q=0":                     {"", false},
		"gzip;q=0, identity;q=0":           {"", false},
		"gzip;q=1.5":                       {"", false},
		"gzip;q=-1":                        {"", false},
		"gzip;level=9;q=0.3, zstd;q=0.2":   {"gzip", false},
		", ,gzip":                          {"gzip", false},
		"br;q=0.000, zstd;q=0.00, gzip;q=": {"", false},
	} {
		coding, must := choose(accepted, offered)
		require.Equal(t, want.coding, coding, accepted)
		require.Equal(t, want.must, must, accepted)
	}
}

// TestCodings: the coding that a caller likes best is applied, said, and
// counted.
func TestCodings(t *testing.T) {
	node := caching(true)
	node.Compress = []string{"br", "zstd", "gzip"}
	proxyLab(t, node, func(l *lab) {
		l.everywhere(always(cacheable("ETag", `"1"`, "Vary", "Origin", "Accept-Ranges", "bytes")))
		for accepted, coding := range map[string]string{"gzip": "gzip", "zstd, gzip": "zstd", "gzip, zstd, br": "br", "": ""} {
			for range 2 {
				out := l.get("/", "Accept-Encoding", accepted)
				require.Equal(t, coding, out.Encode)
				require.Equal(t, coding, out.Header.Values("Content-Encoding"))
				require.Equal(t, "Origin, Accept-Encoding", out.Header.Values("Vary"))
			}
		}
		require.Len(t, l.asked(), 1, "it is stored plain, once")
		out := l.get("/", "Accept-Encoding", "br", "Range", "bytes=0-9")
		require.Equal(t, 206, out.Status)
		require.Empty(t, out.Encode, "a part is not coded")
		require.Equal(t, 304, l.get("/", "Accept-Encoding", "br", "If-None-Match", `W/"1"`).Status)
	})
}

// TestWhoRefusesPlainText is given a coding even if that costs more than it
// saves; who takes none of ours gets what there is.
func TestWhoRefusesPlainText(t *testing.T) {
	proxyLab(t, topologies.Node{Compress: []string{"gzip"}}, func(l *lab) {
		small := fine()
		small.Body.Size = 10
		l.everywhere(always(small))
		require.Equal(t, "gzip", l.get("/", "Accept-Encoding", "gzip, identity;q=0").Encode)
		require.Empty(t, l.get("/", "Accept-Encoding", "gzip").Encode)
		out := l.get("/", "Accept-Encoding", "compress, identity;q=0")
		require.Equal(t, 200, out.Status)
		require.Empty(t, out.Encode)
	})
}

func TestFillerAndSizesAreSharedSafely(t *testing.T) {
	var wg sync.WaitGroup
	for i := range int64(8) {
		wg.Go(func() {
			for size := range int64(20) {
				EncodedSize("gzip", Body{Size: size * 997 * (i%3 + 1)})
			}
		})
	}
	wg.Wait()
}
