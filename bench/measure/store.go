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
	"sync"
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
type Store struct {
	Dir  string
	held *os.File // the directory, by who writes to it
	kept sync.Once
}

const (
	planFile    = "plan.json"
	resultFile  = "result.json"
	runFile     = "run.json"
	samplesFile = "samples.csv.gz"
	runsDir     = "runs"
	draftMark   = "."     // begins the names of repetitions under way
	partMark    = ".part" // ends those of files under way
)

// planEnvelope marks a directory as ours.
type planEnvelope struct {
	Program string
	Format  int
	Plan    json.RawMessage
}

const program = "trafficlab"

// Create makes dir ready for the runs of a plan, and keeps other processes from
// doing so until Close. It takes a directory that is absent, empty, or holds an
// earlier result; any other it leaves alone, with an error. The earlier result
// is gone with the first repetition that is kept, and back with Close if there
// was none.
func Create(dir string, plan any) (*Store, error) {
	if err := MayTake(dir); err != nil {
		return nil, fmt.Errorf("prepare result directory %s: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("prepare result directory: %w", err)
	}
	s := &Store{Dir: dir}
	var err error
	if s.held, err = hold(dir); err != nil {
		return nil, fmt.Errorf("prepare result directory %s: %w", dir, err)
	}
	err = s.setAside()
	if err == nil {
		err = os.MkdirAll(filepath.Join(dir, runsDir), 0o755)
	}
	if err == nil {
		err = s.Replan(plan)
	}
	if err != nil {
		return nil, fmt.Errorf("prepare result directory %s: %w", dir, errors.Join(err, s.Close()))
	}
	return s, nil
}

// Resume is Create for a directory that holds runs of the plan, and keeps them.
// What an execution that was killed had under way is gone.
func Resume(dir string, plan any) (*Store, error) {
	s := &Store{Dir: dir}
	var err error
	if s.held, err = hold(dir); err == nil {
		if err = errors.Join(s.sweep(), s.Replan(plan)); err != nil {
			err = errors.Join(err, s.held.Close())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("resume %s: %w", dir, err)
	}
	return s, nil
}

// Holds tells whether a directory holds a result, whole or begun.
func Holds(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, planFile))
	return err == nil
}

// Replan puts another plan in the place of what was asked for.
func (s *Store) Replan(plan any) error {
	raw, err := json.Marshal(plan)
	if err != nil {
		return fmt.Errorf("write plan of %s: %w", s.Dir, err)
	}
	return s.save(planFile, planEnvelope{program, Format, raw})
}

// Close ends what Create began.
func (s *Store) Close() error { return errors.Join(s.bringBack(), s.held.Close()) }

// MayTake refuses a directory that is neither free nor holds an earlier result.
func MayTake(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	ours, err := marked(dir)
	if !ours && err == nil {
		ours, err = marked(filepath.Join(dir, earlierDir))
	}
	if err != nil {
		return fmt.Errorf("its %s is damaged (%w), so that nobody can tell whose runs they are; choose another directory, or empty it", planFile, err)
	}
	if !ours {
		return errors.New("it is not empty and holds no result of trafficlab; choose another directory, or empty it")
	}
	return nil
}

// marked tells whether the plan in a directory is one of ours. An error says
// why that cannot be read from it.
func marked(dir string) (bool, error) {
	path := filepath.Join(dir, planFile)
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return false, nil
	}
	raw, err := os.ReadFile(path)
	var e planEnvelope
	if err == nil {
		err = json.Unmarshal(raw, &e)
	}
	return err == nil && e.Program == program, err
}

// Open reads the plan of a result directory into plan.
func Open(dir string, plan any) (*Store, error) {
	path := filepath.Join(dir, planFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read result directory %s: %s", dir, missing(dir))
	}
	if err != nil {
		return nil, fmt.Errorf("read result directory: %w", err)
	}
	var e planEnvelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("read %s: it is damaged: %w", path, err)
	}
	if err := sound(path, raw, e.Format); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(e.Plan, plan); err != nil {
		return nil, fmt.Errorf("read %s: it is damaged: %w", path, err)
	}
	return &Store{Dir: dir}, nil
}

// missing says what there is where a result was looked for.
func missing(dir string) string {
	if _, err := os.Lstat(dir); err != nil {
		return "there is no such directory"
	}
	inside, _ := filepath.Glob(filepath.Join(dir, "*", planFile)) // a name that is a bad pattern holds none
	for i, path := range inside {
		inside[i] = filepath.Dir(path)
	}
	text := "it holds no " + planFile
	if len(inside) > 0 {
		text += "; there is one in " + list(inside)
	}
	return text
}

// sound refuses a file of another format, and one that was changed since it was
// written.
func sound(path string, raw []byte, format int) error {
	switch {
	case format != Format:
		return fmt.Errorf("read %s: it has format %d, and this version of trafficlab reads format %d; run the scenario again", path, format, Format)
	case !unbroken(raw):
		return fmt.Errorf("read %s: it was changed since it was written", path)
	}
	return nil
}

// RunFile is where a finished repetition tells of itself.
func (s *Store) RunFile(r *Run) string { return filepath.Join(s.Dir, runsDir, r.Name(), runFile) }

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

// Draft is a repetition under way: a directory for its samples and for the logs
// of its nodes. It belongs to one goroutine; different ones may be under way at
// once.
type Draft struct {
	Dir     string
	store   *Store
	samples *samplesWriter
	counter *counter
}

// Draft begins a repetition anew, with the head of its run.
func (s *Store) Draft(run *Run) (*Draft, error) {
	dir := filepath.Join(s.Dir, runsDir, draftMark+run.Name())
	d := &Draft{Dir: dir, store: s, counter: newCounter(run)}
	err := os.RemoveAll(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	var file *os.File
	if err == nil {
		file, err = os.Create(filepath.Join(dir, samplesFile))
	}
	if err != nil {
		return nil, fmt.Errorf("prepare run %s: %w", run.Name(), err)
	}
	d.samples = newSamplesWriter(file)
	return d, nil
}

// Add takes the next sample, in order of instant and number. It does not keep
// it: what a run holds in memory hardly grows with its length. An error is told
// by Keep.
func (d *Draft) Add(s *Sample) {
	d.samples.add(s)
	d.counter.add(s)
}

// Suspect tells what is wrong with the run, which has ended.
func (d *Draft) Suspect(run *Run) []Warning {
	d.counter.run = run
	return d.counter.suspect()
}

// runRecord is a run as its file tells it.
type runRecord struct {
	*Run
	Seal Seal // of its samples
}

// Keep writes what else is known of the finished run into its draft and gives
// it its name. A run that cannot be kept is gone.
func (d *Draft) Keep(run *Run) error {
	seal, err := d.samples.close()
	run.Latency, run.Service = d.counter.whole().histograms()
	if err == nil {
		err = writeJSON(filepath.Join(d.Dir, runFile), runRecord{run, seal})
	}
	final := filepath.Join(d.store.Dir, runsDir, run.Name())
	if err == nil {
		err = os.RemoveAll(final)
	}
	if err == nil {
		err = os.Rename(d.Dir, final)
	}
	if err != nil { // as of a full disk, which it must not fill
		return errors.Join(fmt.Errorf("keep run %s: %w", run.Name(), err), os.RemoveAll(d.Dir))
	}
	d.store.kept.Do(func() { err = os.RemoveAll(filepath.Join(d.store.Dir, earlierDir)) })
	return err
}

// Leave ends the draft of a repetition that broke. It stays, for its logs.
func (d *Draft) Leave() error {
	_, err := d.samples.close()
	return err
}

// Drop removes the draft of a repetition that came to nothing.
func (d *Draft) Drop() error { return errors.Join(d.Leave(), os.RemoveAll(d.Dir)) }

// Runs reads all finished repetitions, in order of their names. Their samples
// stay where they are: see Load and Fold.
func (s *Store) Runs() ([]*Run, error) {
	var runs []*Run
	err := s.each(func(dir string) error {
		run, err := readRun(dir)
		runs = append(runs, run)
		return err
	})
	if err != nil {
		return nil, err
	}
	return runs, nil
}

// each visits the folders of finished repetitions, in order of their names,
// until there is an error.
func (s *Store) each(visit func(dir string) error) error {
	entries, err := os.ReadDir(filepath.Join(s.Dir, runsDir))
	if err != nil {
		return fmt.Errorf("read runs of %s: %w", s.Dir, err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), draftMark) {
			continue
		}
		if err := visit(filepath.Join(s.Dir, runsDir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// readRun reads one repetition but for its samples. Errors name the file that
// is missing or damaged.
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
	if err := sound(path, raw, version.Format); err != nil {
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
	run.shelf = &shelf{filepath.Join(dir, samplesFile), record.Seal}
	return run, nil
}

// SaveResult writes the fold of the runs beside them.
func (s *Store) SaveResult(r *Result) error { return s.save(resultFile, savedResult{Format, r}) }

type savedResult struct {
	Format int
	*Result
}

// Result reads what SaveResult wrote. It is as good as a fold of the runs, as
// long as nobody has touched them since.
func (s *Store) Result() (*Result, error) {
	path := filepath.Join(s.Dir, resultFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	var saved savedResult
	if err := json.Unmarshal(raw, &saved); err != nil || saved.Result == nil {
		return nil, fmt.Errorf("read %s: it is damaged: %w", path, err)
	}
	return saved.Result, sound(path, raw, saved.Format)
}

// save writes a file of the store at once: a reader sees the old one or the
// new.
func (s *Store) save(name string, value any) error {
	path := filepath.Join(s.Dir, name)
	err := writeJSON(path+partMark, value)
	if err == nil {
		err = os.Rename(path+partMark, path)
	}
	if err != nil {
		os.Remove(path + partMark)
		var at *fs.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// writeJSON writes an object under a seal of its own.
func writeJSON(path string, value any) error {
	raw, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, sealed(append(raw, '\n')), 0o644)
}
