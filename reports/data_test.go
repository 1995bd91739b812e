package reports

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"trafficlab/bench/measure"
)

func TestGridAsFiles(t *testing.T) {
	g := grid{Head: []heading{{"Variant", ""}, {"p99", "s"}, {"Requests", "/s"}}}
	g.Rows = [][]datum{
		{said(`one, "two"`), figured(measure.Figure{Value: .5, Low: .25, High: 1, Known: true}, "500 ms"), rated(1234.5)},
		{said("–"), figured(measure.Figure{}, ""), nothing},
	}
	require.Empty(t, must(g.Files()), "nobody has named them")
	g.call("Over time: one", "My scenario/x", "time", "1")
	files := must(g.Files())
	require.Equal(t, "my-scenario-x-time-1.csv", files[0].Name)
	require.Equal(t, "Variant,p99 (s),p99 low (s),p99 high (s),Requests (/s)\n\"one, \"\"two\"\"\",0.5,0.25,1,1234.5\n,,,,\n", string(g.csv()))
	require.JSONEq(t, `{"chart": "Over time: one", "columns": ["Variant", "p99 (s)", "p99 low (s)", "p99 high (s)", "Requests (/s)"],
		"rows": [["one, \"two\"", 0.5, 0.25, 1, 1234.5], [null, null, null, null, null]]}`, string(must(g.json())))
}

// A page shows some of many rows; the files have all.
func TestGridOfManyRows(t *testing.T) {
	g := grid{Head: []heading{{"n", ""}}}
	for i := range 1000 {
		g.Rows = append(g.Rows, []datum{counted(int64(i))})
	}
	require.True(t, g.Thinned())
	require.Len(t, g.Shown(), 250)
	require.Equal(t, "996", g.Shown()[249][0].String())
	require.Equal(t, 1001, bytes.Count(g.csv(), []byte("\n")))
	g.Rows = g.Rows[:mostRows]
	require.Len(t, g.Shown(), mostRows)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Every chart of every page has its numbers behind it, twice, under names of
// their own, and says what is to be seen.
func TestEveryChartHasItsData(t *testing.T) {
	s, r := pickers(t)
	bearer, borne := bearing()
	var b bytes.Buffer
	require.NoError(t, WriteCapacity(&b, bearer, borne))
	file := regexp.MustCompile(`<a download="([^"]*)" href="data:([^;,]*)[^,]*;base64,([^"]*)">`)
	for _, page := range []string{render(t, s, r), b.String()} {
		named := map[string]bool{}
		for _, found := range file.FindAllStringSubmatch(page, -1) {
			require.False(t, named[found[1]], found[1])
			named[found[1]] = true
			content, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(found[3], "&#43;", "+"))
			require.NoError(t, err)
			if found[2] == "text/csv" {
				rows, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
				require.NoError(t, err)
				require.Greater(t, len(rows), 1, found[1])
				continue
			}
			require.True(t, json.Valid(content), found[1])
		}
		require.Len(t, named, 2*strings.Count(page, "<figcaption>"))
		for _, drawing := range regexp.MustCompile(`<svg [^>]*>`).FindAllString(page, -1) {
			require.True(t, strings.Contains(drawing, `aria-hidden="true"`) || strings.Contains(drawing, `role="img" aria-label="`), drawing)
		}
	}
}
