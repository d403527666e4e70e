// One face of one picture as it is reported, and the cells it fills.
#ifndef PREFIQS_REPORT_ROW_H_
#define PREFIQS_REPORT_ROW_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <prefiqs/assessor.h>
#include <prefiqs/job.h>
#include <prefiqs/preprocessing.h>

namespace prefiqs::report {

// Number of the table's form: columns, statuses and what they mean. CHANGELOG.md says what each number brought. Rows
// hold it from 2 on; a table without the column is of schema 1.
inline constexpr int kSchema = 2;

// What is the same for a whole run. Every row names it, so that a row says by itself how it was made.
struct RunInfo {
  std::string method;    // name(Method), with "-mirrored" where crops were
  std::string recipe;    // Recipe::name(), empty where nothing is pruned
  std::string sparsity;  // achieved, six decimals; empty where nothing is pruned
  std::string network;   // content hash
  std::string precision;
  std::string instruction_set;
  std::string version;
  std::string preprocessing;      // PreprocessingToken()
  std::string detector;           // content hash, or kAligned, or kLandmarks and their content hash
  std::string gate{};             // scalars under it do not pass; empty: no gate
  std::string selection{};        // FaceSelectionInfo::name; empty for aligned crops
  std::string min_face{};         // pixels; empty for aligned crops
  std::string guard{};            // content hash; empty: none
  int schema = kSchema;           // of the table that rows are added to; one that was begun earlier keeps its own
  std::string engine{};           // what ran the networks, with its version
  std::string image_libraries{};  // what decoded, warped and resized, with versions
  std::string output{};           // of the network: the name of the one in use, where it has several
  std::string max_faces{};        // pictures with more are not assessed; empty: no limit, or aligned crops
  std::string calibration{};      // Calibration::content_hash() of the one that scalars are of; empty: no scalars
  std::string search{};           // SearchInfo::name, with kTurnToo where turned pictures are looked at; as selection
};

// What the column "detector" holds for aligned crops, and in front of the content hash of given landmarks.
inline constexpr std::string_view kAligned = "aligned", kLandmarks = "landmarks:";

// What the column "passes" holds where there is a gate and a scalar.
inline constexpr std::string_view kPasses = "yes", kUnderGate = "no";

// What "search" ends with where quarter turns of the pictures are searched, too.
inline constexpr std::string_view kTurnToo = "+turn";

struct Row {
  std::string path;  // any bytes
  int face = -1;     // from 0, in the order of the selection; -1 where there is no face to speak of
  Assessment assessment;
  bool under_gate = false;
};

// Whether the status says that the guard refused the crop. Its raw numbers stay.
bool IsRefused(Status status);

// Adds to `summary` what the row says of the picture's other faces, of which the row's first one tells: whether there
// are several, and how many were not chosen. `face` and `faces` as in Row and Assessment, -1 where there is none.
void CountOthers(int face, int faces, FaceSelection selection, JobSummary& summary);

// "rgb:127.5:127.5": channel order, mean and scale; three numbers that differ are joined by '/'. For crops that prefiqs
// makes, of width × height pixels, the template follows where it places the points otherwise than
// CropTemplate::kScaled, which is the rule of schema 1: "rgb:127.5:127.5:insightface". Last comes a
// size that is said, where the network's file leaves it open: "rgb:127.5:127.5:160x160".
std::string PreprocessingToken(const Preprocessing& preprocessing);
std::string PreprocessingToken(const Preprocessing& preprocessing, int width, int height);

// What a cell holds, which is what JSON needs to know and CSV does not.
enum class CellKind { kText, kNumber };

struct Column {
  std::string_view name;
  CellKind kind;
  int since;  // the schema that brought it
  // Empty where there is nothing to say (no score, not calibrated, no box). Numbers have a fixed number of decimals, so
  // equal bits give equal bytes.
  std::string (*cell)(const RunInfo& run, const Row& row);
};

// The columns of a table of that schema, in their order: one line each of the table in row.cc. The first six are
// promised to scripts; new ones go to the end, so an older table has the first ones of a newer one. Requires
// 1 <= schema <= kSchema.
std::span<const Column> Columns(int schema = kSchema);

// Index in Columns() of a column that exists; a name that is in no table is a fault of the caller (std::logic_error).
std::size_t ColumnIndex(std::string_view name);

// The row's cells, one for each of Columns(run.schema).
std::vector<std::string> Cells(const RunInfo& run, const Row& row);

}  // namespace prefiqs::report

#endif  // PREFIQS_REPORT_ROW_H_
