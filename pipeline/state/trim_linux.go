package state

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// trim takes the pages of the logs in dir out of this process's memory. Badger maps its logs, and what was written or read once stays
// mapped for as long as the file is open, answer after answer, though hardly any of it is asked for again. Pages that were written go to
// the disk first, or the kernel would keep them. The advice is no more than a hint: a page that is wanted is read back,
// and an address that has meanwhile become something else comes to no harm. So errors are of no interest.
func trim(dir string) {
	if full, err := filepath.Abs(dir); err == nil {
		dir = full
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range bytes.Lines(maps) { // 7f3a10000000-7f3a18000000 rw-s 00000000 fe:00 1234   /out/state/000001.vlog
		at := bytes.IndexByte(line, '/')
		if at < 0 {
			continue
		}
		name := string(bytes.TrimRight(line[at:], "\n"))
		if ext := filepath.Ext(name); filepath.Dir(name) != dir || ext != ".vlog" && ext != ".mem" {
			continue
		}
		from, to, _ := bytes.Cut(line[:bytes.IndexByte(line, ' ')], []byte("-"))
		lo, err1 := strconv.ParseUint(string(from), 16, 64)
		hi, err2 := strconv.ParseUint(string(to), 16, 64)
		f, err3 := os.Open(name)
		if err1 != nil || err2 != nil || err3 != nil {
			continue
		}
		f.Sync()
		f.Close()
		unix.Syscall(unix.SYS_MADVISE, uintptr(lo), uintptr(hi-lo), unix.MADV_PAGEOUT)
	}
}
