package trainer

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sluice/trainer/kernel"
)

// granted is the memory that the system lets this process have, in bytes: the limit of its control group, or the machine's; 0 where neither is known.
func granted() int64 {
	least := int64(0)
	for _, path := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if b, err := os.ReadFile(path); err == nil {
			if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && n > 0 && n < 1<<60 {
				least = n
			}
		}
	}
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return least
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) >= 2 && f[0] == "MemTotal:" {
			if n, err := strconv.ParseInt(f[1], 10, 64); err == nil && (least == 0 || n*1024 < least) {
				least = n * 1024
			}
		}
	}
	return least
}

// probe measures matrix products of middling size on all threads for about d, in operations per second. The fastest counts: on a busy machine the others
// tell of its other work.
func probe(team *kernel.Team, d time.Duration) float64 {
	const n = 512
	a, b, c := make([]float32, n*n), make([]float32, n*n), make([]float32, n*n)
	for i := range a {
		a[i], b[i] = float32(i%7), float32(i%5)
	}
	team.Gemm(kernel.NT, n, n, n, a, n, b, n, false, c, n) // the first touches the memory
	best := time.Duration(math.MaxInt64)
	for end := time.Now().Add(d); time.Now().Before(end); {
		start := time.Now()
		team.Gemm(kernel.NT, n, n, n, a, n, b, n, false, c, n)
		best = min(best, time.Since(start))
	}
	return 2 * n * n * n / best.Seconds()
}

// raplJoules reads the energy counters of the CPU packages (Linux, Intel and AMD), where they can be read; ok tells whether.
func raplJoules() (joules float64, ok bool) {
	paths, _ := filepath.Glob("/sys/class/powercap/intel-rapl:[0-9]*/energy_uj")
	for _, p := range paths {
		if strings.Count(filepath.Base(filepath.Dir(p)), ":") > 1 {
			continue // a part of a package
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return 0, false
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(string(b)), 64)
		if err != nil {
			return 0, false
		}
		joules, ok = joules+n/1e6, true
	}
	return joules, ok
}
