package measure

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Store is a directory of one scenario's runs:
//
//	plan.json                        what was asked for
//	result.json                      what came out
//	runs/live-p2c-1/run.json         one finished repetition,
//	               /samples.csv.gz   its samples,
//	               /*.log            and what its nodes said
//
// A repetition appears under its name only when it is whole: however the
// program ends, what is there is finished.
type Store struct{ Dir string }

const (
	planFile    = "plan.json"
	resultFile  = "result.json"
	runFile     = "run.json"
	samplesFile = "samples.csv.gz"
	runsDir     = "runs"
	draftMark   = "." // begins the names of repetitions under way
)

// planEnvelope marks a directory as ours.
type planEnvelope struct {
	Program string
	Format  int
	Plan    json.RawMessage
}

const program = "trafficlab"

// Create makes dir ready for the runs of a plan. It takes a directory that is
// absent, empty, or holds an earlier result, which it removes; any other it
// leaves alone, with an error.
func Create(dir string, plan any) (*Store, error) {
	if err := vacate(dir); err != nil {
		return nil, fmt.Errorf("prepare result directory %s: %w", dir, err)
	}
	raw, err := json.Marshal(plan)
	if err != nil {
		return nil, fmt.Errorf("write plan of %s: %w", dir, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, runsDir), 0o755); err != nil {
		return nil, fmt.Errorf("prepare result directory: %w", err)
	}
	s := &Store{dir}
	return s, s.save(planFile, planEnvelope{program, Format, raw})
}

// vacate removes an earlier result from dir, and refuses to touch what is not
// one.
func vacate(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	var e planEnvelope
	raw, err := os.ReadFile(filepath.Join(dir, planFile))
	if err != nil || json.Unmarshal(raw, &e) != nil || e.Program != program {
		return errors.New("it is not empty and holds no result of trafficlab; choose another directory, or empty it")
	}
	for _, name := range []string{resultFile, runsDir, planFile} { // the mark goes last
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// Open reads the plan of a result directory into plan.
func Open(dir string, plan any) (*Store, error) {
	path := filepath.Join(dir, planFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read result directory %s: it holds no %s", dir, planFile)
	}
	if err != nil {
		return nil, fmt.Errorf("read result directory: %w", err)
	}
	var e planEnvelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("read %s: it is damaged: %w", path, err)
	}
	if err := checkFormat(path, e.Format); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(e.Plan, plan); err != nil {
		return nil, fmt.Errorf("read %s: it is damaged: %w", path, err)
	}
	return &Store{dir}, nil
}

func checkFormat(path string, format int) error {
	if format != Format {
		return fmt.Errorf("read %s: it has format %d, and this version of trafficlab reads format %d; run the scenario again", path, format, Format)
	}
	return nil
}

// Name is where the run is kept: its world, variant and repetition, from 1.
func (r *Run) Name() string {
	name := fmt.Sprintf("%s-%s-%d", r.World, Slug(r.Variant), r.Repetition+1)
	if r.Spoiled {
		name += "-spoiled"
	}
	return name
}

// Slug is text as a file name. What had to be changed for that is told apart
// by a hash.
func Slug(text string) string {
	slug := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-_.+", r):
			return r
		}
		return '-'
	}, text)
	if slug == text && len(slug) <= slugLength {
		return slug
	}
	h := fnv.New32a()
	h.Write([]byte(text))
	return fmt.Sprintf("%s-%08x", slug[:min(len(slug), slugLength)], h.Sum32())
}

const slugLength = 60

// Draft makes a directory for a repetition under way, empty: for the logs of
// its nodes.
func (s *Store) Draft(run *Run) (dir string, err error) {
	dir = filepath.Join(s.Dir, runsDir, draftMark+run.Name())
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("prepare run %s: %w", run.Name(), err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("prepare run %s: %w", run.Name(), err)
	}
	return dir, nil
}

// runRecord is a run as its file tells it.
type runRecord struct {
	*Run
	Seal Seal // of its samples
}

// Keep writes a finished run into its draft and gives it its name. Different
// runs may be kept at once.
func (s *Store) Keep(draft string, run *Run) error {
	seal, err := writeSamples(filepath.Join(draft, samplesFile), run.Samples)
	if err == nil {
		err = writeJSON(filepath.Join(draft, runFile), runRecord{run, seal})
	}
	final := filepath.Join(s.Dir, runsDir, run.Name())
	if err == nil {
		err = os.RemoveAll(final)
	}
	if err == nil {
		err = os.Rename(draft, final)
	}
	if err != nil {
		return fmt.Errorf("keep run %s: %w", run.Name(), err)
	}
	return nil
}

// Drop removes the draft of a repetition that came to nothing.
func (s *Store) Drop(draft string) error { return os.RemoveAll(draft) }

// Runs reads all finished repetitions, in order of their names.
func (s *Store) Runs() ([]*Run, error) {
	entries, err := os.ReadDir(filepath.Join(s.Dir, runsDir))
	if err != nil {
		return nil, fmt.Errorf("read runs of %s: %w", s.Dir, err)
	}
	var runs []*Run
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), draftMark) {
			continue
		}
		run, err := readRun(filepath.Join(s.Dir, runsDir, e.Name()))
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// readRun reads one repetition. Errors name the file that is missing or
// damaged.
func readRun(dir string) (*Run, error) {
	path := filepath.Join(dir, runFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read run: %w", err)
	}
	var version struct{ Format int }
	if err := json.Unmarshal(raw, &version); err != nil {
		return nil, fmt.Errorf("read %s: it is damaged: %w", path, err)
	}
	if err := checkFormat(path, version.Format); err != nil {
		return nil, err
	}
	run := &Run{}
	record := runRecord{Run: run}
	if err := json.Unmarshal(raw, &record); err != nil {
		return nil, fmt.Errorf("read %s: it is damaged: %w", path, err)
	}
	if run.Name() != filepath.Base(dir) {
		return nil, fmt.Errorf("read %s: it is of the run %s, not of the one that its folder is named after", path, run.Name())
	}
	path = filepath.Join(dir, samplesFile)
	if run.Samples, err = readSamples(path, record.Seal); err != nil {
		return nil, fmt.Errorf("read %s: it is damaged: %w", path, err)
	}
	return run, nil
}

// SaveResult writes the fold of the runs beside them.
func (s *Store) SaveResult(r *Result) error { return s.save(resultFile, r) }

// save writes a file of the store at once: a reader sees the old one or the
// new.
func (s *Store) save(name string, value any) error {
	path := filepath.Join(s.Dir, name)
	err := writeJSON(path+".part", value)
	if err == nil {
		err = os.Rename(path+".part", path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func writeJSON(path string, value any) error {
	raw, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}
