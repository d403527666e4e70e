// The table of docs/conformance.md.
#ifndef PREFIQS_TESTS_CONFORMANCE_DOCUMENT_H_
#define PREFIQS_TESTS_CONFORMANCE_DOCUMENT_H_

#include <map>
#include <string>

namespace prefiqs::conformance {

// Of the cases in scope of one operator.
struct Tally {
  int cases = 0;
  int runs = 0;  // forms of cases
  int passed_reference = 0, passed_onednn = 0;
  int wholly_onednn = 0;  // runs of which oneDNN's executor left no layer to the reference kernels
  int layers = 0;         // of oneDNN's executor
  int fallbacks = 0;

  Tally& operator+=(const Tally& other);
};

struct ExclusionTally {
  int cases = 0;
  int refused = 0;  // all forms said no; the others computed something else
};

struct Summary {
  // By source ("onnx", "prefiqs"), then by operator; a case of several operators counts at kSeveral.
  std::map<std::string, std::map<std::string, Tally>> in_scope;
  std::map<std::string, std::map<std::string, ExclusionTally>> out_of_scope;  // by reason, then by pattern
};
inline constexpr const char* kSeveral = "(several)";

// Markdown: what stands between the document's markers.
std::string FormatSummary(const Summary& summary);

// Empty where the document at `path` holds `table` between its markers, else what is to be done. With `write`, puts it
// there.
std::string CheckDocument(const std::string& path, const std::string& table, bool write);

}  // namespace prefiqs::conformance

#endif  // PREFIQS_TESTS_CONFORMANCE_DOCUMENT_H_
