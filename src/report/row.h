// One face of one picture as it is reported, and the cells it fills.
#ifndef PREFIQS_REPORT_ROW_H_
#define PREFIQS_REPORT_ROW_H_

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <prefiqs/assessor.h>
#include <prefiqs/preprocessing.h>

namespace prefiqs::report {

// What is the same for a whole run. Every row names it, so that a row says by itself how it was made.
struct RunInfo {
  std::string method;    // name(Method), with "-mirrored" where crops were
  std::string recipe;    // Recipe::name(), empty where nothing is pruned
  std::string sparsity;  // achieved, six decimals; empty where nothing is pruned
  std::string network;   // content hash
  std::string precision;
  std::string instruction_set;
  std::string version;
  std::string preprocessing;  // PreprocessingToken()
  std::string detector;       // content hash, or "aligned"
  std::string gate{};         // scalars under it do not pass; empty: no gate
  std::string selection{};    // "best" or "all" faces of a picture; empty for aligned crops
  std::string min_face{};     // pixels; empty for aligned crops
  std::string guard{};        // content hash; empty: none
};

// What the column "passes" holds where there is a gate and a scalar.
inline constexpr std::string_view kPasses = "yes", kUnderGate = "no";

struct Row {
  std::string path;  // any bytes
  int face = -1;     // from 0, in the detector's order; -1 where there is no face to speak of
  Assessment assessment;
  bool under_gate = false;
};

// "rgb:127.5:127.5": channel order, mean and scale; three numbers that differ are joined by '/'. The template follows
// where it is not the default: "rgb:127.5:127.5:scaled".
std::string PreprocessingToken(const Preprocessing& preprocessing);

// What a cell holds, which is what JSON needs to know and CSV does not.
enum class CellKind { kText, kNumber };
struct Column {
  std::string_view name;
  CellKind kind = CellKind::kText;
};

// The columns in their order. The first six are promised to scripts; new ones go to the end.
inline constexpr std::array kColumns{
    Column{"path"},
    Column{"face", CellKind::kNumber},
    Column{"status"},
    Column{"quality", CellKind::kNumber},
    Column{"drift", CellKind::kNumber},
    Column{"scalar", CellKind::kNumber},
    Column{"method"},
    Column{"box_x", CellKind::kNumber},
    Column{"box_y", CellKind::kNumber},
    Column{"box_width", CellKind::kNumber},
    Column{"box_height", CellKind::kNumber},
    Column{"left_eye_x", CellKind::kNumber},
    Column{"left_eye_y", CellKind::kNumber},
    Column{"right_eye_x", CellKind::kNumber},
    Column{"right_eye_y", CellKind::kNumber},
    Column{"nose_x", CellKind::kNumber},
    Column{"nose_y", CellKind::kNumber},
    Column{"left_mouth_x", CellKind::kNumber},
    Column{"left_mouth_y", CellKind::kNumber},
    Column{"right_mouth_x", CellKind::kNumber},
    Column{"right_mouth_y", CellKind::kNumber},
    Column{"confidence", CellKind::kNumber},
    Column{"embedding_norm", CellKind::kNumber},
    Column{"recipe"},
    Column{"sparsity", CellKind::kNumber},
    Column{"network"},
    Column{"precision"},
    Column{"instruction_set"},
    Column{"version"},
    Column{"preprocessing"},
    Column{"detector"},
    Column{"detail"},
    Column{"gate", CellKind::kNumber},
    Column{"passes"},
    Column{"selection"},
    Column{"min_face", CellKind::kNumber},
    Column{"guard"},
    Column{"pruned_norm", CellKind::kNumber},
    Column{"sharpness", CellKind::kNumber},
    Column{"uniformity", CellKind::kNumber},
    Column{"sensitivity", CellKind::kNumber},
};

// Index of a column that exists.
constexpr std::size_t ColumnIndex(std::string_view name) {
  std::size_t i = 0;
  while (kColumns.at(i).name != name) ++i;  // at() makes a wrong name fail to compile in constant expressions
  return i;
}

// The row's cells, one a column; empty where there is nothing to say (no score, not calibrated, no box). Numbers have a
// fixed number of decimals, so equal bits give equal bytes.
std::vector<std::string> Cells(const RunInfo& run, const Row& row);

}  // namespace prefiqs::report

#endif  // PREFIQS_REPORT_ROW_H_
