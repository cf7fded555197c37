package kernel

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// An emitted instruction stands in gemm_amd64.s as bytes with its operands in a comment: BYTE $0x62; … // VDPBF16PS Z28, Z30, Z0.
var emitted = regexp.MustCompile(`(?m)^\s*(BYTE .*) // (VDPBF16PS|VCVTNEPS2BF16) (.*)$`)

// emittedInstructions gives each different instruction in GNU syntax with its bytes in hexadecimal.
func emittedInstructions(t *testing.T) map[string]string {
	text, err := os.ReadFile("gemm_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	registers := strings.NewReplacer("Z", "%zmm", "Y", "%ymm")
	for _, f := range emitted.FindAllStringSubmatch(string(text), -1) {
		b := strings.ToLower(strings.NewReplacer("BYTE $0x", "", "; ", "").Replace(f[1]))
		m[strings.ToLower(f[2])+" "+registers.Replace(f[3])] = b
	}
	return m
}

// TestEncodingByHand checks against bytes put together by hand from the Intel SDM (EVEX.512.F3.0F38.W0, opcodes 52 and 72).
func TestEncodingByHand(t *testing.T) {
	have := emittedInstructions(t)
	for ins, want := range map[string]string{
		"vdpbf16ps %zmm28, %zmm30, %zmm0":  "62920e4052c4",
		"vdpbf16ps %zmm29, %zmm31, %zmm27": "6202064052dd",
		"vcvtneps2bf16 %zmm0, %ymm2":       "62f27e4872d0",
		"vcvtneps2bf16 %zmm1, %ymm3":       "62f27e4872d9",
	} {
		if have[ins] != want {
			t.Errorf("%s is %s, want %s", ins, have[ins], want)
		}
	}
	if len(have) != 28+2 {
		t.Errorf("%d different instructions, want 28 products and 2 conversions", len(have))
	}
}

// TestEncodingByAssembler compares every emitted instruction with what the GNU assembler makes of it.
func TestEncodingByAssembler(t *testing.T) {
	for _, tool := range []string{"as", "objcopy"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("no GNU ", tool)
		}
	}
	dir := t.TempDir()
	for ins, want := range emittedInstructions(t) {
		src, obj, bin := filepath.Join(dir, "i.s"), filepath.Join(dir, "i.o"), filepath.Join(dir, "i.bin")
		if err := os.WriteFile(src, []byte(ins+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), "as", "--64", "-o", obj, src).CombinedOutput(); err != nil {
			t.Skipf("this assembler does not know %s: %s", ins, out)
		}
		if out, err := exec.CommandContext(t.Context(), "objcopy", "-O", "binary", "-j", ".text", obj, bin).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		got, err := os.ReadFile(bin)
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := hex.DecodeString(want); !bytes.Equal(b, got) {
			t.Errorf("%s: emitted %s, the assembler says %x", ins, want, got)
		}
	}
}
