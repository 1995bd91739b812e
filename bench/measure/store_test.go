package measure

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"trafficlab/components/policy"
)

type plan struct{ Name string }

func storedRun(repetition int) *Run {
	return &Run{
		Format: Format, Scenario: "s", Variant: "p2c", World: "live", Repetition: repetition, Seed: 1<<63 + 5,
		Warmup: time.Second, Duration: 10 * time.Second, Target: 300,
		Nodes:    []NodeUse{{Place: "api[0]", Kind: "backend", Requests: 5, Reasons: map[string]int64{"ok": 5}}},
		Warnings: []Warning{{Kind: "late", Text: "Late."}},
		Machine:  Provenance{Cores: 2, Started: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)},
		Samples: []Sample{
			{Number: 0, At: 1, Late: 2, Latency: 3, Status: 200, Bytes: 1024, Class: `al"ice,` + "\n", Cache: "hit", Spans: "lb:network=3"},
			{Number: 1, At: 4, Latency: 5, Reason: policy.Timeout},
		},
	}
}

func kept(t *testing.T, s *Store, run *Run) {
	draft, err := s.Draft(run)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(draft.Dir, "lb.log"), []byte("hello\n"), 0o644))
	for i := range run.Samples {
		draft.Add(&run.Samples[i])
	}
	require.NoError(t, draft.Keep(run))
}

func TestStoreGivesBackWhatItWasGiven(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out", "s")
	s, err := Create(dir, plan{"s"})
	require.NoError(t, err)
	kept(t, s, storedRun(1))
	kept(t, s, storedRun(0))
	spoiled := storedRun(0)
	spoiled.Spoiled = true
	kept(t, s, spoiled)
	require.NoError(t, s.SaveResult(&Result{Answer: "Yes."}))

	var p plan
	s, err = Open(dir, &p)
	require.NoError(t, err)
	assert.Equal(t, plan{"s"}, p)
	runs, err := loaded(s)
	require.NoError(t, err)
	assert.Equal(t, []*Run{storedRun(0), spoiled, storedRun(1)}, runs)
	assert.FileExists(t, filepath.Join(dir, "runs", "live-p2c-1", "lb.log"))
	assert.FileExists(t, filepath.Join(dir, "result.json"))
}

func TestSameRunSameBytes(t *testing.T) {
	var files [2][]byte
	for i := range files {
		dir := t.TempDir()
		s, err := Create(dir, plan{"s"})
		require.NoError(t, err)
		kept(t, s, storedRun(0))
		files[i], err = os.ReadFile(filepath.Join(dir, "runs", "live-p2c-1", samplesFile))
		require.NoError(t, err)
	}
	assert.Equal(t, files[0], files[1])
	assert.Equal(t, []byte{0, 0, 0, 0}, files[0][4:8], "the header of the gzip file carries a time")
}

// However the program ended, only whole repetitions are there.
func TestDraftsAreNoRuns(t *testing.T) {
	dir := t.TempDir()
	s, err := Create(dir, plan{"s"})
	require.NoError(t, err)
	kept(t, s, storedRun(0))
	draft, err := s.Draft(storedRun(1))
	require.NoError(t, err)
	require.NoError(t, writeJSON(filepath.Join(draft.Dir, runFile), storedRun(1))) // killed before the samples
	runs, err := s.Runs()
	require.NoError(t, err)
	assert.Len(t, runs, 1)

	again, err := s.Draft(storedRun(1))
	require.NoError(t, err)
	assert.NoFileExists(t, filepath.Join(again.Dir, runFile), "a draft begins anew")
	require.NoError(t, again.Drop())
	assert.NoDirExists(t, again.Dir)
}

func TestCreateLeavesWhatIsNotOurs(t *testing.T) {
	dir := t.TempDir()
	thesis := filepath.Join(dir, "thesis.tex")
	require.NoError(t, os.WriteFile(thesis, []byte("x"), 0o644))
	_, err := Create(dir, plan{})
	assert.EqualError(t, err, "prepare result directory "+dir+": it is not empty and holds no result of trafficlab; choose another directory, or empty it")
	assert.FileExists(t, thesis)

	require.NoError(t, os.WriteFile(filepath.Join(dir, planFile), []byte(`{"Program": "traff`), 0o644))
	_, err = Create(dir, plan{})
	assert.EqualError(t, err, "prepare result directory "+dir+": its plan.json is damaged (unexpected end of JSON input), so that nobody can tell whose runs they are; choose another directory, or empty it")
	assert.FileExists(t, thesis)

	require.NoError(t, os.WriteFile(filepath.Join(dir, planFile), []byte(`{"Program": "terraform"}`), 0o644))
	_, err = Create(dir, plan{})
	assert.ErrorContains(t, err, "holds no result of trafficlab", "another program's plan is not ours")
	assert.FileExists(t, thesis)
}

// An earlier result goes with the first repetition that takes its place, and
// not before: neither an interruption nor a kill costs it.
func TestCreateReplacesAnEarlierResult(t *testing.T) {
	dir := t.TempDir()
	names := func(s *Store) (all []string) {
		runs, err := s.Runs()
		require.NoError(t, err)
		for _, r := range runs {
			all = append(all, r.Name())
		}
		return all
	}
	begin := func(name string) *Store {
		s, err := Create(dir, plan{name})
		require.NoError(t, err)
		return s
	}
	held := func() (p plan, s *Store) {
		s, err := Open(dir, &p)
		require.NoError(t, err)
		return p, s
	}
	s := begin("old")
	kept(t, s, storedRun(0))
	require.NoError(t, s.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("x"), 0o644))

	s = begin("interrupted")
	assert.Empty(t, names(s))
	draft, err := s.Draft(storedRun(1))
	require.NoError(t, err)
	require.NoError(t, draft.Leave())
	require.NoError(t, s.Close())
	p, s := held()
	assert.Equal(t, plan{"old"}, p)
	assert.Equal(t, []string{"live-p2c-1"}, names(s))
	assert.DirExists(t, filepath.Join(dir, runsDir, ".live-p2c-2"), "with what a broken run said")

	s = begin("killed")
	require.NoError(t, s.held.Close())
	s = begin("after a kill")
	require.NoError(t, s.Close())
	p, _ = held()
	assert.Equal(t, plan{"old"}, p)

	s = begin("new")
	kept(t, s, storedRun(1))
	require.NoError(t, s.Close())
	p, s = held()
	assert.Equal(t, plan{"new"}, p)
	assert.Equal(t, []string{"live-p2c-2"}, names(s))
	assert.NoDirExists(t, filepath.Join(dir, earlierDir))
	assert.FileExists(t, filepath.Join(dir, "notes.txt"))
}

func TestOneRunAtATimeInADirectory(t *testing.T) {
	dir := t.TempDir()
	s, err := Create(dir, plan{"one"})
	require.NoError(t, err)
	_, err = Create(dir, plan{"two"})
	require.ErrorContains(t, err, "another run of trafficlab writes there")
	kept(t, s, storedRun(0))
	require.NoError(t, s.Close())
	s, err = Create(dir, plan{"two"})
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

func TestDamageIsNamed(t *testing.T) {
	for _, c := range []struct {
		name   string
		file   string
		damage func([]byte) []byte
		want   string
	}{
		{"a plan cut off", planFile, half, "plan.json: it is damaged: unexpected end of JSON input"},
		{"a plan of the future", planFile, replace(`"Format": 4`, `"Format": 9`), "plan.json: it has format 9, and this version of trafficlab reads format 4; run the scenario again"},
		{"a run cut off", "runs/live-p2c-1/run.json", half, "runs/live-p2c-1/run.json: it is damaged: unexpected end of JSON input"},
		{"a run of the past", "runs/live-p2c-1/run.json", replace(`"Format": 4`, `"Format": 3`), "runs/live-p2c-1/run.json: it has format 3,"},
		{"samples of nobody", "runs/live-p2c-1/samples.csv.gz", rewritten(func(s []Sample) []Sample { return nil }), "runs/live-p2c-1/samples.csv.gz: it is damaged: it holds 0 samples, and run.json tells of 2"},
		{"samples that were touched up", "runs/live-p2c-1/samples.csv.gz", rewritten(func(s []Sample) []Sample { s[0].Latency = 2; return s }), "runs/live-p2c-1/samples.csv.gz: it is damaged: its samples are not those that run.json tells of"},
		{"more samples", "runs/live-p2c-1/samples.csv.gz", rewritten(func(s []Sample) []Sample { return append(s, s[1]) }), "runs/live-p2c-1/samples.csv.gz: it is damaged: it holds more than run.json tells of"},
		{"samples without end", "runs/live-p2c-1/samples.csv.gz", bomb, "runs/live-p2c-1/samples.csv.gz: it is damaged: it holds more than run.json tells of"},
		{"another repetition's folder", "runs/live-p2c-1/run.json", resealed(`"Repetition": 0`, `"Repetition": 1`), "runs/live-p2c-1/run.json: it is of the run live-p2c-2, not of the one that its folder is named after"},
		{"a plan that was touched up", planFile, replace(`"Name": "s"`, `"Name": "t"`), "plan.json: it was changed since it was written"},
		{"a run that was touched up", "runs/live-p2c-1/run.json", replace(`"Requests": 5`, `"Requests": -5`), "runs/live-p2c-1/run.json: it was changed since it was written"},
		{"a run without its seal", "runs/live-p2c-1/run.json", func(raw []byte) []byte { return unseal(raw) }, "runs/live-p2c-1/run.json: it was changed since it was written"},
		{"a run without samples", "runs/live-p2c-1/samples.csv.gz", nil, "runs/live-p2c-1/samples.csv.gz"},
		{"samples cut off", "runs/live-p2c-1/samples.csv.gz", half, "runs/live-p2c-1/samples.csv.gz: it is damaged: "},
		{"samples with a bit turned", "runs/live-p2c-1/samples.csv.gz", turned, "runs/live-p2c-1/samples.csv.gz: it is damaged: "},
		{"samples that are none", "runs/live-p2c-1/samples.csv.gz", replaced, "runs/live-p2c-1/samples.csv.gz: it is damaged: gzip: invalid header"},
		{"a directory that holds no run", "runs/live-p2c-1/run.json", nil, "runs/live-p2c-1/run.json"},
		{"no plan", planFile, nil, "it holds no plan.json"},
	} {
		dir := t.TempDir()
		s, err := Create(dir, plan{"s"})
		require.NoError(t, err)
		kept(t, s, storedRun(0))
		path := filepath.Join(dir, c.file)
		if c.damage == nil {
			require.NoError(t, os.Remove(path))
		} else {
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, c.damage(raw), 0o644))
		}
		_, err = readBack(dir)
		assert.ErrorContains(t, err, c.want, c.name)
		if !strings.HasPrefix(c.file, runsDir) {
			continue
		}
		runs, damaged, err := s.Sound()
		require.NoError(t, err, c.name)
		require.Empty(t, runs, c.name)
		require.Len(t, damaged, 1, c.name)
		require.ErrorContains(t, damaged[0], c.want, c.name)
	}
}

// A damaged repetition is set aside, beside those that are sound, and what a
// killed execution had under way is gone.
func TestDamageIsSetAside(t *testing.T) {
	dir := t.TempDir()
	s, err := Create(dir, plan{"s"})
	require.NoError(t, err)
	for i := range 3 {
		kept(t, s, storedRun(i))
	}
	_, err = s.Draft(storedRun(3))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, planFile+partMark), nil, 0o644))
	require.NoError(t, s.Close())
	samples := filepath.Join(dir, runsDir, "live-p2c-2", samplesFile)
	raw, err := os.ReadFile(samples)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(samples, half(raw), 0o644))

	_, damaged, err := s.Sound()
	require.NoError(t, err)
	require.Len(t, damaged, 1)
	for range 2 { // one set aside before does not stand in its way
		s, err = Resume(dir, plan{"s"})
		require.NoError(t, err)
		aside, err := s.SetAside(damaged[0])
		require.NoError(t, err)
		require.Equal(t, filepath.Join(dir, runsDir, ".damaged-live-p2c-2"), aside)
		require.FileExists(t, filepath.Join(aside, samplesFile))
		runs, err := s.Runs()
		require.NoError(t, err)
		require.Len(t, runs, 2)
		kept(t, s, storedRun(1))
		require.NoError(t, s.Close())
	}
	require.NoDirExists(t, filepath.Join(dir, runsDir, ".live-p2c-4"))
	require.NoFileExists(t, filepath.Join(dir, planFile+partMark))
}

func readBack(dir string) ([]*Run, error) {
	s, err := Open(dir, &plan{})
	if err != nil {
		return nil, err
	}
	return loaded(s)
}

func loaded(s *Store) ([]*Run, error) {
	runs, err := s.Runs()
	for _, run := range runs {
		err = errors.Join(err, run.Load())
	}
	return runs, err
}

func half(raw []byte) []byte   { return raw[:len(raw)/2] }
func replaced([]byte) []byte   { return []byte("number,at\n1,2\n") }
func turned(raw []byte) []byte { raw[len(raw)-6] ^= 1; return raw } // in the checksum

// rewritten is a whole file, of other samples.
func rewritten(change func([]Sample) []Sample) func([]byte) []byte {
	return func([]byte) []byte {
		var file inBuffer
		w := newSamplesWriter(&file)
		for _, s := range change(storedRun(0).Samples) {
			w.add(&s)
		}
		if _, err := w.close(); err != nil {
			panic(err)
		}
		return file.Bytes()
	}
}

type inBuffer struct{ bytes.Buffer }

func (*inBuffer) Close() error { return nil }

// bomb is one field of 64 MB.
func bomb([]byte) []byte {
	return zipped(func(w io.Writer) error {
		_, err := io.CopyN(w, noughts{}, 64<<20)
		return err
	})
}

type noughts struct{}

func (noughts) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

func zipped(write func(io.Writer) error) []byte {
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	if err := errors.Join(write(zip), zip.Close()); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func replace(old, with string) func([]byte) []byte {
	return func(raw []byte) []byte {
		changed := []byte(strings.Replace(string(raw), old, with, 1))
		if string(changed) == string(raw) {
			panic(fmt.Sprintf("there is no %s in %s", old, raw))
		}
		return changed
	}
}

// unseal is the object before it was sealed.
func unseal(raw []byte) []byte { return append([]byte("{"), raw[len(sealField(nil)):]...) }

// resealed is a file that was written so.
func resealed(old, with string) func([]byte) []byte {
	return func(raw []byte) []byte { return sealed(replace(old, with)(unseal(raw))) }
}

func TestAResultThatCannotBeWrittenLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s, err := Create(dir, plan{"s"})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, resultFile, "in the way"), 0o755))
	require.Error(t, s.SaveResult(&Result{}))
	assert.NoFileExists(t, filepath.Join(dir, resultFile+".part"))
}

func TestSlug(t *testing.T) {
	assert.Equal(t, "p2c", Slug("p2c"))
	assert.NotEqual(t, Slug("a b"), Slug("a-b"))
	assert.NotEqual(t, Slug("a/b"), Slug("a b"))
	for _, text := range []string{"a b", "../../etc", "ü", "lb.pick=p2c, cache: none", string(make([]byte, 500))} {
		assert.Regexp(t, `^[-_.+A-Za-z0-9]{1,70}$`, Slug(text))
	}
}
