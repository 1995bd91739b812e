package components

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"trafficlab/topologies"
)

func edits(remove []string, pairs ...string) *topologies.JSONEdit {
	e := &topologies.JSONEdit{Remove: remove, Limit: 1000}
	for i := 0; i < len(pairs); i += 3 {
		change := topologies.PathValue{Path: pairs[i+1], Value: pairs[i+2]}
		if pairs[i] == "rename" {
			e.Rename = append(e.Rename, change)
		} else {
			e.Set = append(e.Set, change)
		}
	}
	return e
}

func TestJSONEdits(t *testing.T) {
	for _, tt := range []struct {
		edit       *topologies.JSONEdit
		text, want string
	}{
		{edits(nil), ` { "a" : [ 1.50 , {} , [] , "x\"]}" ] , "b" : null } `, `{"a":[1.50,{},[],"x\"]}"],"b":null}`},
		{edits([]string{"a"}), `{"a":1,"b":2,"a":3}`, `{"b":2}`},
		{edits([]string{"a"}), `{"\u0061":1,"b":{"a":2}}`, `{"b":{"a":2}}`},
		{edits([]string{"a.b"}), `{"a":{"b":1,"c":2},"b":3}`, `{"a":{"c":2},"b":3}`},
		{edits([]string{"a.b"}), `{"a":[{"b":1}]}`, `{"a":[{"b":1}]}`},
		{edits([]string{"a[].b"}), `{"a":[{"b":1},2,{"c":{"b":3}},[{"b":4}]]}`, `{"a":[{},2,{"c":{"b":3}},[{"b":4}]]}`},
		{edits([]string{"a[][].b"}), `{"a":[[{"b":1,"c":2}],{"b":3}]}`, `{"a":[[{"c":2}],{"b":3}]}`},
		{edits([]string{"[].b"}), `[{"b":1},{"c":2}]`, `[{},{"c":2}]`},
		{edits([]string{"a"}), `12345678901234567890`, `12345678901234567890`},
		{edits(nil, "rename", "a", "b"), `{"x":0,"a":1,"b":2}`, `{"x":0,"b":1}`},
		{edits(nil, "rename", "a", "b"), `{"b":2}`, `{"b":2}`},
		{edits(nil, "rename", "a", "a"), `{"a":2}`, `{"a":2}`},
		{edits(nil, "rename", "u[].a", `q"`), `{"u":[{"a":1}]}`, `{"u":[{"q\"":1}]}`},
		{edits(nil, "set", "a", "7"), `{"a":1,"b":2,"a":3}`, `{"a":7,"b":2}`},
		{edits(nil, "set", "a.b.c", `"x"`), `{}`, `{"a":{"b":{"c":"x"}}}`},
		{edits(nil, "set", "a.b", "true"), `{"a":1}`, `{"a":1}`},
		{edits(nil, "set", "a[].b", "true"), `{"a":[{},{"b":1}],"c":1}`, `{"a":[{"b":true},{"b":true}],"c":1}`},
		{edits(nil, "set", "a[].b", "true"), `{}`, `{}`},
		{edits(nil, "set", "user", `"no. {id}"`), `{}`, `{"user":"no. 7\"\u0026"}`},
		{edits([]string{"a"}, "rename", "b", "a", "set", "b", "1"), `{"a":0,"b":2}`, `{"a":2,"b":1}`},
	} {
		out, ok := newJSONEdit(tt.edit, "/users/{id}").edited([]byte(tt.text), "/users/7%22&")
		require.True(t, ok, tt.text)
		require.Equal(t, tt.want, string(out), tt.text)
	}
	for _, text := range []string{"", "{", `{"a":1}x`, "[1,]", `"`} {
		_, ok := newJSONEdit(edits(nil), "/").edited([]byte(text), "/")
		require.False(t, ok, text)
	}
}

func TestAnswersAreEdited(t *testing.T) {
	node := topologies.Node{Compress: []string{"gzip"}, Routes: []topologies.Route{{Path: "/*", Response: topologies.Edit{JSON: edits([]string{"secret"}), Set: set("X-A", "1").Set}}}}
	said := func(text string, fields ...string) answer {
		a := fine(fields...)
		a.Body = Body{Size: int64(len(text)), Bytes: []byte(text)}
		return a
	}
	long := `{"x":"` + strings.Repeat("x", 1000)
	proxyLab(t, node, func(l *lab) {
		l.countAttempts()
		for name, tt := range map[string]struct {
			said   answer
			status int
			want   string
		}{
			"JSON":              {said(`{"secret": 1, "open": 2}`, "ETag", `"1"`, "Content-Digest", "sha-256=:x:", "Accept-Ranges", "bytes"), 200, `{"open":2}`},
			"no JSON":           {said(`{"secret": 1`), 502, ""},
			"cut off":           {fine(), 502, ""},
			"too long":          {said(long + `"}`), 502, ""},
			"encoded":           {said(`{"secret": 1}`, "Content-Encoding", "gzip"), 502, ""},
			"a part":            {answer{Response: Response{Status: 206, Header: fine().Header, Body: Body{Size: 10}}}, 502, ""},
			"breaks off":        {answer{Response: said(`{}`).Response, breaks: true}, 502, ""},
			"of an error":       {answer{Response: Response{Status: 500, Header: fine().Header, Body: said(`{"secret":1}`).Body}}, 500, `{}`},
			"of another type":   {answer{Response: Response{Status: 200, Header: Header{{"Content-Type", "text/html"}}, Body: Body{Size: 9, Bytes: []byte("secret...")}}}, 200, "secret..."},
			"JSON by any means": {answer{Response: Response{Status: 200, Header: Header{{"Content-Type", "Application/HAL+json; charset=utf-8"}}, Body: said(`{"secret":1}`).Body}}, 200, `{}`},
		} {
			l.everywhere(always(tt.said))
			for _, lasting := range []bool{false, true} {
				out := l.send(newEvent(), Request{Method: "GET", Path: "/", Lasting: lasting, Header: Header{{"Range", "bytes=0-9"}, {"Accept-Encoding", "gzip"}, {"Accept", "*/*"}}})
				require.Equal(t, tt.status, out.Status, name)
				require.Equal(t, "*/*", l.lastHop().Request.Header.Get("Accept"))
				require.False(t, l.lastHop().Request.Header.Has("Range"))
				require.False(t, l.lastHop().Request.Header.Has("Accept-Encoding"))
				if tt.want != "" {
					require.Equal(t, tt.want, string(out.Body.Bytes), name)
					require.EqualValues(t, len(tt.want), out.Body.Size)
					require.Equal(t, "1", out.Header.Get("X-A"))
				}
				if name == "JSON" {
					require.Equal(t, `W/"1"`, out.Header.Get("ETag"))
					require.False(t, out.Header.Has("Content-Digest") || out.Header.Has("Accept-Ranges"), "RFC 9530: of other bytes")
				}
			}
		}
		l.everywhere(always(said(`{"secret":1}`)))
		require.Equal(t, 200, l.do("HEAD", "/").Status, "it has no body to edit")
		gone := newEvent()
		slow := said(`{"secret":1}`)
		slow.body = time.Hour
		l.everywhere(always(slow))
		done := l.during(func() *outcome { return l.doUntil(gone, "GET", "/") })
		gone.Fire()
		require.Zero(t, (<-done).replies)
		requireIdle(t, l)
	})
}

func TestRequestsAreEdited(t *testing.T) {
	most := int64(30)
	edit := edits([]string{"admin"}, "set", "user", `"{id}"`)
	edit.Limit = 40
	node := topologies.Node{Routes: []topologies.Route{
		{Path: "/small/{id}", MaxBody: &most, Request: topologies.Edit{JSON: edit}},
		{Path: "/users/{id}", Request: topologies.Edit{JSON: edit}},
	}}
	proxyLab(t, node, func(l *lab) {
		l.countAttempts()
		for name, tt := range map[string]struct {
			path, text string
			size       int64
			fields     []string
			status     int
			want       string
		}{
			"JSON":                    {"/users/7", `{"admin": true, "b": 1.0}`, 25, nil, 200, `{"b":1.0,"user":"7"}`},
			"of unknown length":       {"/users/7", `{}`, -1, nil, 200, `{"user":"7"}`},
			"with a parameter":        {"/users/7", `{}`, 2, []string{"Content-Type", "application/merge-patch+json; charset=utf-8"}, 200, `{"user":"7"}`},
			"what the path cannot do": {"/users/7%22,%22admin%22:1", `{}`, 2, nil, 200, `{"user":"7\",\"admin\":1"}`},
			"nothing":                 {"/users/7", "", 0, nil, 200, ""},
			"of nothing said":         {"/users/7", `{"admin":1}`, 11, []string{"Content-Type", ""}, 415, ""},
			"of another type":         {"/users/7", `{"admin":1}`, 11, []string{"Content-Type", "text/plain"}, 415, ""},
			"encoded":                 {"/users/7", `{"admin":1}`, 11, []string{"Content-Encoding", "gzip"}, 415, ""},
			"no JSON":                 {"/users/7", `{"admin":1`, 10, nil, 400, ""},
			"two texts":               {"/users/7", `{} {}`, 5, nil, 400, ""},
			"not in UTF-8":            {"/users/7", "{\"adm\xffin\":1}", 13, nil, 400, ""},
			"with a byte order mark":  {"/users/7", "\ufeff{}", 5, nil, 400, ""},
			"too long":                {"/users/7", "", 41, nil, 413, ""},
			"longer than was told":    {"/users/7", strings.Repeat(" ", 41), -1, nil, 413, ""},
			"for the route":           {"/small/7", "", 31, nil, 413, ""},
			"likewise, not told":      {"/small/7", strings.Repeat(" ", 31), -1, nil, 413, ""},
		} {
			for _, lasting := range []bool{false, true} {
				asked := len(l.asked())
				l.text, l.sent = tt.text, ""
				req := Request{Method: "POST", Path: tt.path, Size: tt.size, Lasting: lasting,
					Header: Header{{"Content-Type", "application/json"}, {"Content-Digest", "sha-256=:x:"}, {"X-A", "1"}}}
				for i := 0; i < len(tt.fields); i += 2 {
					req.Header = req.Header.Set(tt.fields[i], tt.fields[i+1])
				}
				out := l.send(newEvent(), req)
				require.Equal(t, tt.status, out.Status, name)
				require.Equal(t, tt.want, l.sent, name)
				if tt.status != 200 {
					require.Len(t, l.asked(), asked, "nobody is asked: %s", name)
					require.Equal(t, tt.status == 415, out.Header.Get("Accept-Encoding") == "identity", "RFC 9110 section 15.5.16")
					continue
				}
				hop := l.lastHop()
				require.EqualValues(t, len(tt.want), hop.Request.Size, name)
				require.Equal(t, tt.size != 0, hop.Body)
				require.Zero(t, hop.MostBody)
				require.Equal(t, "1", hop.Request.Header.Get("X-A"))
				require.False(t, hop.Request.Header.Has("Content-Digest"), "RFC 9530: of other bytes")
			}
		}
		requireIdle(t, l)
	})
}

func FuzzJSONEdits(f *testing.F) {
	for _, text := range []string{`{"a":{"b":[1,{"c":"\u0061"}]},"a":2}`, `[[[]]]`, `"x"`, ` 1 `, `{"":{"":{}}}`} {
		f.Add(text)
	}
	nothing := newJSONEdit(edits(nil), "/")
	e := newJSONEdit(edits([]string{"a", "x[].secret"}, "rename", "b", "c", "set", "d.e", `"{*}"`), "/*")
	f.Fuzz(func(t *testing.T, text string) {
		same, ok := nothing.edited([]byte(text), "/x")
		require.Equal(t, json.Valid([]byte(text)), ok)
		if !ok {
			return
		}
		var before, after any
		require.NoError(t, json.Unmarshal([]byte(text), &before))
		require.NoError(t, json.Unmarshal(same, &after))
		require.Equal(t, before, after)
		out, _ := e.edited([]byte(text), "/x")
		var edited any
		require.NoError(t, json.Unmarshal(out, &edited), "%s", out)
		if object, is := edited.(map[string]any); is {
			require.NotContains(t, object, "a")
			require.NotContains(t, object, "b")
		}
	})
}
