package live

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"trafficlab/bench/measure"
	"trafficlab/scenarios"
	"trafficlab/topologies"
)

// Bounds on what a system may take its time for.
const (
	startTime = 20 * time.Second
	stopTime  = 4 * time.Second
	scrapeFor = 2 * time.Second
	headStart = 50 * time.Millisecond // from Begin until the run begins

	leaveScrape = 10 * time.Millisecond // between two readings of who leaves
)

// System is a running topology, one process a place. It is safe for concurrent
// use.
type System struct {
	manifest  *manifest
	path      string // of the manifest
	topology  *topologies.Topology
	weather   *scenarios.Weather
	processes []*process // in the order of the topology, without externals
	beside    []*process
	guard     *guard
	client    *http.Client
	tls       *visitor
	epoch     time.Time // when the machine's monotonic clock was zero

	ctx    context.Context // of what is done to the processes
	cancel context.CancelFunc
	faults sync.WaitGroup
	died   chan error
	stop   func() error

	reloading sync.Mutex // one after the other
}

// Start makes the processes of a case's topology and waits until all of them
// are ready. Its error holds the last words of one that was not.
func Start(ctx context.Context, c *scenarios.Case, o SystemOptions) (*System, error) {
	s, err := prepare(c, o)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Variant.Topology.Name, err)
	}
	if err := s.start(ctx, o); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.topology.Name, errors.Join(err, s.Stop()))
	}
	return s, nil
}

// prepare does all that needs no process.
func prepare(c *scenarios.Case, o SystemOptions) (*System, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	epoch, err := monotonicEpoch()
	if err != nil {
		return nil, err
	}
	s := &System{
		manifest: &manifest{Case: *c, Run: rand.Text(), Dir: dir, Seats: map[topologies.Place]seat{}},
		path:     filepath.Join(dir, "manifest.json"),
		topology: c.Variant.Topology,
		weather:  c.Weather(),
		client:   &http.Client{Transport: new(http.Transport)},
		epoch:    epoch,
		died:     make(chan error, 1),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.stop = sync.OnceValue(s.end)
	if err := s.seat(); err != nil {
		return nil, err
	}
	if err := s.manifest.identify(s.topology, s.keys()); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.keys()))
	}
	if s.tls, err = s.manifest.visitor(load, nil); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.keys()))
	}
	return s, s.manifest.write(s.path)
}

// keys is the directory of the run's private authority, which ends with it.
func (s *System) keys() string { return filepath.Join(s.manifest.Dir, "tls") }

// seat gives every place its ports, and makes sure that what is not of the
// run's making is there.
func (s *System) seat() error {
	for _, address := range s.topology.Redises() {
		conn, err := net.DialTimeout("tcp", address, 2*time.Second)
		if err != nil {
			return fmt.Errorf("find the Redis of its limits: nothing answers at %s; start it first: %w", address, err)
		}
		conn.Close()
	}
	var places []topologies.Place
	for _, n := range s.topology.Nodes {
		if n.Kind == topologies.External {
			if err := listens(n); err != nil {
				return err
			}
			continue
		}
		places = append(places, n.Places()...)
	}
	ports, err := freePorts(2 * len(places))
	if err != nil {
		return err
	}
	for i, place := range places {
		s.manifest.Seats[place] = seat{ports[2*i], ports[2*i+1]}
		s.processes = append(s.processes, &process{place: place, seat: s.manifest.Seats[place]})
	}
	return nil
}

// listens checks that somebody listens where an external node says, on
// loopback.
func listens(n *topologies.Node) error {
	to, err := url.Parse(n.URL)
	if err != nil {
		return fmt.Errorf("find external %s: %w", n.Name, err)
	}
	port := to.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[to.Scheme]
	}
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(to.Hostname(), port), 2*time.Second)
	if err != nil {
		return fmt.Errorf("find external %s: nothing answers at %s; start it first: %w", n.Name, n.URL, err)
	}
	defer conn.Close()
	if at, ok := conn.RemoteAddr().(*net.TCPAddr); !ok || !at.IP.IsLoopback() {
		return fmt.Errorf("find external %s: %s is not on loopback", n.Name, n.URL)
	}
	return nil
}

func (s *System) start(ctx context.Context, o SystemOptions) (err error) {
	binary := o.Binary
	if binary == "" {
		if binary, err = os.Executable(); err != nil {
			return fmt.Errorf("find the program to run nodes with: %w", err)
		}
	}
	if s.guard, err = startGuard(binary, filepath.Join(s.manifest.Dir, "guardian.log")); err != nil {
		return err
	}
	trash := []string{s.keys()}
	if o.Temporary {
		trash = append(trash, s.manifest.Dir)
	}
	for _, dir := range trash {
		if err := s.guard.trash(dir); err != nil {
			return err
		}
	}
	for _, b := range o.Beside {
		args := append([]string{binary}, b.Args...)
		s.beside = append(s.beside, &process{place: topologies.Place(b.Name), args: append(args, "--manifest", s.path)})
	}
	go s.listen()
	for _, p := range s.processes {
		p.args = []string{binary, "node", "--manifest", s.path, "--place", string(p.place)}
	}
	for _, p := range s.all() {
		if err := s.spawn(p, 0); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for _, p := range s.processes {
		if err := s.awaitReady(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// listen takes the guardian's notices until it ends.
func (s *System) listen() {
	for n := range s.guard.notices {
		for _, p := range s.all() {
			if string(p.place) == n.Name {
				s.heed(p, n)
			}
		}
	}
	for _, p := range s.all() {
		p.lost()
	}
	if s.ctx.Err() == nil {
		s.fail(errors.New("the guardian of the nodes ended by itself, and they with it"))
	}
}

// all is every process that the guardian has for the system.
func (s *System) all() []*process { return slices.Concat(s.processes, s.beside) }

func (s *System) heed(p *process, n notice) {
	if !p.heed(n) && !(n.Ended == wentWell && slices.Contains(s.beside, p)) {
		s.fail(s.lastWords(p))
	}
}

// lastWords is the error of a process that ended though nobody asked it to.
func (s *System) lastWords(p *process) error {
	return fmt.Errorf("%s ended by itself (%s); its last words:\n%s",
		p.place, p.howEnded(), lastLines(s.manifest.file(p.place, ".log"), 10))
}

// fail tells the first thing that went wrong.
func (s *System) fail(err error) {
	select {
	case s.died <- err:
	default:
	}
}

func (s *System) awaitReady(ctx context.Context, p *process) error {
	for {
		if s.isReady(ctx, p) {
			return nil
		}
		select {
		case <-p.ended():
			return s.lastWords(p)
		case <-ctx.Done():
			return fmt.Errorf("wait for %s to be ready: %w; its last words:\n%s",
				p.place, ctx.Err(), lastLines(s.manifest.file(p.place, ".log"), 10))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// isReady asks a place, which answers at once, or is not there yet: another
// may have its port, and say nothing.
func (s *System) isReady(ctx context.Context, p *process) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err := s.ask(ctx, http.MethodGet, p, "/readyz")
	return err == nil
}

// ask makes a request to the admin port of a place.
func (s *System) ask(ctx context.Context, method string, p *process, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+p.seat.Admin+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", r.URL, answer.Status)
	}
	return text, err
}

// Entry is where clients send their load: a URL without a path, and how to ask
// it if it speaks TLS.
func (s *System) Entry() (string, *tls.Config) {
	return s.manifest.entry(s.tls)
}

// Run is a name that no other run has, and that only its processes know.
func (s *System) Run() string { return s.manifest.Run }

// URLs lists where every place listens, in the order of the topology.
func (s *System) URLs() []Door {
	var doors []Door
	for _, n := range s.topology.Nodes {
		for _, place := range n.Places() {
			if n.Kind == topologies.External {
				doors = append(doors, Door{Place: place, URL: n.URL})
				continue
			}
			at := s.manifest.Seats[place]
			doors = append(doors, Door{place, schemeOf(n) + "://" + at.Address, "http://" + at.Admin})
		}
	}
	return doors
}

// Authority is the PEM file of the run's private certificate authority, for
// curl --cacert, or "" if there is none.
func (s *System) Authority() string {
	for _, file := range s.manifest.Trust {
		if filepath.Dir(file) == s.keys() {
			return file
		}
	}
	return ""
}

// Begin starts the run: it tells all nodes when, and does to their processes
// from then on what the faults of the case ask for. It returns the instant,
// which is a little ahead. Trouble is told by Died.
func (s *System) Begin() time.Time {
	began := time.Now().Add(headStart)
	at := began.Sub(s.epoch)
	path := "/begin?at=" + strconv.FormatInt(int64(at), 10)
	var told sync.WaitGroup
	for _, p := range s.processes {
		told.Go(func() {
			ctx, cancel := context.WithTimeout(s.ctx, scrapeFor)
			defer cancel()
			if _, err := s.ask(ctx, http.MethodPost, p, path); err != nil && s.ctx.Err() == nil {
				s.fail(fmt.Errorf("tell %s that the run begins: %w", p.place, err))
			}
		})
	}
	told.Wait()
	for _, p := range s.processes {
		if turns := s.weather.Turns(p.place); len(turns) > 0 {
			s.faults.Go(func() { s.play(p, began, turns) })
		}
	}
	return began
}

// play does to a process what its turns say, each at its instant.
func (s *System) play(p *process, began time.Time, turns []scenarios.Turn) {
	for i, turn := range turns {
		if SleepUntil(s.ctx, began.Add(turn.At)) != nil {
			return
		}
		var err error
		if turn.Leaving {
			err = s.leave(p, began.Add(turns[i+1].At)) // who leaves is down next
		} else {
			err = s.turn(p, turn, began)
		}
		if err != nil && s.ctx.Err() == nil {
			s.fail(fmt.Errorf("bring the fault of %s at %s about: %w", p.place, turn.At, err))
			return
		}
	}
}

func (s *System) turn(p *process, turn scenarios.Turn, began time.Time) error {
	if turn.Down {
		return s.crash(p)
	}
	if p.isDown() {
		if err := s.spawn(p, began.Sub(s.epoch)); err != nil {
			return err
		}
	}
	if turn.Frozen {
		return s.freeze(p)
	}
	return s.thaw(p)
}

// leave has a process drain, until it has ended or is to be killed. What it
// counts is read before, and all the while: it may be over at any time.
func (s *System) leave(p *process, until time.Time) error {
	if err := s.scrape(p); err != nil {
		return err
	}
	p.expectEnd()
	if err := s.guard.signal(p.place, unix.SIGTERM); err != nil {
		return err
	}
	for time.Now().Before(until) {
		if err := s.scrape(p); err != nil {
			return err
		}
		select {
		case <-p.ended():
			return nil
		case <-s.ctx.Done():
			return s.ctx.Err()
		case <-time.After(leaveScrape):
		}
	}
	return nil
}

// crash kills a process with all it has in hand. What it has counted is read
// just before.
func (s *System) crash(p *process) error {
	if !p.isFrozen() {
		if err := s.scrape(p); err != nil {
			return err
		}
	}
	p.expectEnd()
	if err := s.guard.signal(p.place, unix.SIGKILL); err != nil {
		return err
	}
	select {
	case <-p.ended():
		return nil
	case <-time.After(stopTime):
		return errors.New("it outlived SIGKILL")
	}
}

func (s *System) freeze(p *process) error {
	if err := s.scrape(p); err != nil {
		return err
	}
	p.setFrozen(true)
	return s.guard.signal(p.place, unix.SIGSTOP)
}

func (s *System) thaw(p *process) error {
	p.setFrozen(false)
	return s.guard.signal(p.place, unix.SIGCONT)
}

func (s *System) spawn(p *process, began time.Duration) error {
	args := p.args
	if began != 0 {
		args = append(args[:len(args):len(args)], "--began", strconv.FormatInt(int64(began), 10))
	}
	p.beBorn()
	if err := s.guard.spawn(p.place, args, s.manifest.file(p.place, ".log")); err != nil {
		return err
	}
	select {
	case err := <-p.spawned:
		return err
	case <-p.ended():
		return s.lastWords(p)
	case <-time.After(startTime):
		return fmt.Errorf("spawn %s: the guardian does not answer", p.place)
	}
}

// scrape reads what the present process of a place has counted and used. One
// that has only just been started is given time to answer.
func (s *System) scrape(p *process) error {
	ctx, cancel := context.WithTimeout(s.ctx, scrapeFor)
	defer cancel()
	for {
		text, err := s.ask(ctx, http.MethodGet, p, "/stats")
		if err == nil {
			return p.take(text)
		}
		select {
		case <-p.ended():
			return nil // its last count stands
		case <-ctx.Done():
			return fmt.Errorf("read what %s has counted: %w", p.place, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Use is what every place has done since the system started, all lives of its
// process together, in the order of the topology without external nodes. Of a
// frozen process the counts are those when it froze.
func (s *System) Use() ([]measure.NodeUse, error) {
	uses := make([]measure.NodeUse, len(s.processes))
	errs := make([]error, len(s.processes))
	processes := readTree()
	var all sync.WaitGroup
	for i, p := range s.processes {
		all.Go(func() {
			if p.isUp() {
				errs[i] = s.scrape(p)
			}
			uses[i] = p.use(processes)
			uses[i].Place, uses[i].Kind = string(p.place), string(s.topology.Node(p.place.Node()).Kind)
		})
	}
	all.Wait()
	return uses, errors.Join(errs...)
}

// Died tells if a process ended though nobody asked it to, with its last
// words, or if anything else befell the system that spoils the run. It tells
// the first such thing only.
func (s *System) Died() <-chan error { return s.died }

// Stop ends all processes, by asking and then by force, and returns when none
// is left. Only the first call counts.
func (s *System) Stop() error { return s.stop() }

func (s *System) end() error {
	s.cancel()
	s.faults.Wait()
	defer os.RemoveAll(s.keys())
	defer s.client.CloseIdleConnections()
	if s.guard == nil {
		return nil
	}
	for _, p := range s.all() {
		p.expectEnd()
		s.guard.signal(p.place, unix.SIGINT) // if the guardian is gone, so are they
		s.guard.signal(p.place, unix.SIGCONT)
	}
	s.awaitEnd()
	return s.guard.end()
}

// awaitEnd waits for all processes, but not too long: the guardian kills what
// is left.
func (s *System) awaitEnd() {
	patience := time.After(stopTime)
	for _, p := range s.all() {
		select {
		case <-p.ended():
		case <-patience:
			return
		}
	}
}

// take takes over what /stats answered, and the memory used by then.
func (p *process) take(text []byte) error {
	var use measure.NodeUse
	if err := json.Unmarshal(text, &use); err != nil {
		return fmt.Errorf("read what %s has counted: %w", p.place, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count, p.peak = use, max(p.peak, peakMemory(p.pid))
	return nil
}
