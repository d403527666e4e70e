// What an interrupted run left.
#ifndef PREFIQS_REPORT_EARLIER_ROWS_H_
#define PREFIQS_REPORT_EARLIER_ROWS_H_

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include <prefiqs/job.h>

#include "report/output_file.h"
#include "report/row.h"

namespace prefiqs::report {

// Columns of what may differ within a table: the same network and recipe on another machine.
inline constexpr std::array<std::string_view, 4> kMadeWith{"instruction_set", "version", "engine", "image_libraries"};

struct EarlierRows {
  struct Finished {
    std::int64_t times = 0;  // how often the picture was finished
    std::int64_t rows = 0;   // of all these times
  };
  std::unordered_map<std::string, Finished> pictures;  // by path
  JobSummary summary;                                  // of the rows that can stay
  std::int64_t rows = 0;                               // their number
  std::int64_t bytes = 0;                              // they end here, header line included
  std::int64_t norm_row = -1;                          // the last of them with an embedding, and its norm
  double norm = 0;
  int schema = kSchema;  // of the table
  // For each column of kMadeWith: its values and how many rows have each. Without those of a schema that lacks it.
  std::array<std::map<std::string, std::int64_t>, kMadeWith.size()> made_with;
};

// Reads the rows of `file` up to the first that is cut off or beyond `max_rows`. With FaceSelection::kAll the rows of
// the last picture do not count: there is no telling whether it had more faces. Tables of every schema up to kSchema
// are read. Throws Error(kIo) when the file is not a table of ours, Error(kUsage) when its schema is newer, when its
// rows are of several schemas, or when they were made by another network, recipe, method, precision, preprocessing,
// detector, guard, gate, calibration, choice of faces, smallest face or most faces, with both values and the way out.
// Tables of schema 1 do not say their calibration.
EarlierRows ReadEarlierRows(const OutputFile& file, RowFormat format, const RunInfo& run, FaceSelection faces,
                            std::int64_t max_rows);

// What differs between the rows of a table.
struct Mixture {
  std::string text;  // for people: columns of kMadeWith with their values and numbers of rows; empty: all are alike
  bool of_instruction_sets = false;
};

// `run` counts as well where it `adds` rows.
Mixture FindMixture(const EarlierRows& earlier, const RunInfo& run, bool adds);

}  // namespace prefiqs::report

#endif  // PREFIQS_REPORT_EARLIER_ROWS_H_
