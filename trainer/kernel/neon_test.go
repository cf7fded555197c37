package kernel

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestNEON builds this package's tests for arm64 and, where user-mode emulation is installed, runs them: the NEON kernels against float64.
func TestNEON(t *testing.T) {
	if os.Getenv("SLUICE_LONG") == "" {
		t.Skip("builds for arm64: set SLUICE_LONG=1")
	}
	if runtime.GOARCH == "arm64" {
		t.Skip("the other tests run NEON")
	}
	binary := filepath.Join(t.TempDir(), "kernel.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cross-build: %v\n%s", err, out)
	}
	for _, emulator := range []string{"qemu-aarch64", "qemu-aarch64-static"} {
		path, err := exec.LookPath(emulator)
		if err != nil {
			continue
		}
		out, err := exec.CommandContext(t.Context(), path, binary, "-test.short", "-test.v").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestGemm/neon") {
			t.Fatalf("%s: %v\n%s", emulator, err, out)
		}
		return
	}
	t.Skip("built; no qemu-aarch64 to run it")
}
