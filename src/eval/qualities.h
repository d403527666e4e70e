// Qualities of pictures: a number for each, from tables of ours and of other tools.
#ifndef PREFIQS_EVAL_QUALITIES_H_
#define PREFIQS_EVAL_QUALITIES_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <prefiqs/evaluation.h>

#include "eval/table_file.h"

namespace prefiqs::eval {

// The numbers of a column in these rows; NaN for empty cells. Throws as Table::Require and NumberIn.
std::vector<float> Column(const Table& table, const std::string& name, std::span<const std::size_t> rows);

bool HasNumbers(std::span<const float> values);

// Whether there are two or more, all of which are the same up to rounding: they differ by less than 1e-5 of the
// largest. Norms of an embedding that the network normalises are.
bool AreOneNumber(std::span<const float> values);

// Of each picture what the source's file says, higher being better; NaN where it says nothing. Names of the file are
// the pictures' paths, or their ends without extensions, or the other way round; a picture's first row counts. `form`,
// where given, becomes what the file was taken for. Throws Error(kIo) or Error(kUsage), also for a file that has no
// number for any of them, or two numbers for one picture (QualitySource::path).
std::vector<float> ReadQuality(const QualitySource& source, const std::vector<std::string>& pictures,
                               std::string* form = nullptr);

// A number for each that has nothing to do with it; the same on every machine.
std::vector<float> RandomQuality(std::size_t images, std::uint64_t seed);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_QUALITIES_H_
