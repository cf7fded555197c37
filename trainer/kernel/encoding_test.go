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

// An emitted instruction stands in *_amd64.s as bytes with its operands in a comment: BYTE $0x62; … // VDPBF16PS Z28, Z30, Z0.
var (
	emitted  = regexp.MustCompile(`(?m)^\s*(BYTE .*) // ([A-Z0-9]+)(.*)$`)
	register = regexp.MustCompile(`\b([ZYT])(\d+)\b`)
	indexed  = regexp.MustCompile(`\((\w+)\)\((\w+)\*1\)`)
	pointer  = regexp.MustCompile(`\b(AX|BX|CX|SI|DI)\b`)
	numbered = regexp.MustCompile(`\b(R\d+)\b`)
)

// gnu writes operands as the GNU assembler has them.
func gnu(operands string) string {
	names := map[string]string{"Z": "%zmm", "Y": "%ymm", "T": "%tmm"}
	s := indexed.ReplaceAllString(operands, "($1,$2,1)")
	s = register.ReplaceAllStringFunc(s, func(r string) string { return names[r[:1]] + r[1:] })
	s = pointer.ReplaceAllStringFunc(s, func(r string) string { return "%r" + strings.ToLower(r) })
	return numbered.ReplaceAllStringFunc(s, func(r string) string { return "%" + strings.ToLower(r) })
}

// emittedInstructions gives each different instruction in GNU syntax with its bytes in hexadecimal.
func emittedInstructions(t *testing.T) map[string]string {
	m := map[string]string{}
	for _, name := range []string{"gemm_amd64.s", "amx_amd64.s"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range emitted.FindAllStringSubmatch(string(text), -1) {
			b := strings.ToLower(strings.NewReplacer("BYTE $0x", "", "; ", "").Replace(f[1]))
			m[strings.ToLower(f[2])+gnu(f[3])] = b
		}
	}
	return m
}

// TestEncodingByHand checks against bytes put together by hand from the Intel SDM (EVEX.512.F3.0F38.W0, opcodes 52 and 72; VEX.128.0F38.W0, opcodes
// 49, 4B and 5C).
func TestEncodingByHand(t *testing.T) {
	have := emittedInstructions(t)
	for ins, want := range map[string]string{
		"vdpbf16ps %zmm28, %zmm30, %zmm0":  "62920e4052c4",
		"vdpbf16ps %zmm29, %zmm31, %zmm27": "6202064052dd",
		"vcvtneps2bf16 %zmm0, %ymm2":       "62f27e4872d0",
		"vcvtneps2bf16 %zmm1, %ymm3":       "62f27e4872d9",
		"ldtilecfg (%rax)":                 "c4e2784900",
		"tilerelease":                      "c4e27849c0",
		"tilezero %tmm3":                   "c4e27b49d8",
		"tileloadd (%rsi,%rax,1), %tmm4":   "c4e27b4b2406",
		"tdpbf16ps %tmm7, %tmm5, %tmm3":    "c4e2425cdd",
	} {
		if have[ins] != want {
			t.Errorf("%s is %s, want %s", ins, have[ins], want)
		}
	}
	// 28 products of vectors, 2 conversions; 16 conversions of two vectors and the one before a permutation; of the unit: 2 of its state, 4 zeros,
	// 4 products, 8 loads, 4 stores.
	if want := 28 + 2 + 16 + 1 + 2 + 4 + 4 + 8 + 4; len(have) != want {
		t.Errorf("%d different instructions, want %d", len(have), want)
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
