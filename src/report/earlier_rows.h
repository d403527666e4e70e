// What an interrupted run left.
#ifndef PREFIQS_REPORT_EARLIER_ROWS_H_
#define PREFIQS_REPORT_EARLIER_ROWS_H_

#include <cstdint>
#include <string>
#include <unordered_map>

#include <prefiqs/job.h>

#include "report/output_file.h"
#include "report/row.h"

namespace prefiqs::report {

struct EarlierRows {
  std::unordered_map<std::string, std::int64_t> pictures;  // path -> how often it was finished
  JobSummary summary;                                      // of the rows that can stay
  std::int64_t rows = 0;                                   // their number
  std::int64_t bytes = 0;                                  // they end here, header line included
  std::int64_t norm_row = -1;                              // the last of them with an embedding, and its norm
  double norm = 0;
};

// Reads the rows of `file` up to the first that is cut off or beyond `max_rows`. With FaceSelection::kAll the rows of
// the last picture do not count: there is no telling whether it had more faces. Throws Error(kIo) when the file is not
// a table of ours, Error(kUsage) when its rows were made by another network, recipe, method, precision, preprocessing,
// detector, gate, choice of faces or smallest face, with both values.
EarlierRows ReadEarlierRows(const OutputFile& file, RowFormat format, const RunInfo& run, FaceSelection faces,
                            std::int64_t max_rows);

}  // namespace prefiqs::report

#endif  // PREFIQS_REPORT_EARLIER_ROWS_H_
