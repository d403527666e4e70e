// Which pictures are compared with which: pair lists in the forms that data sets have.
#ifndef PREFIQS_EVAL_PAIR_LIST_H_
#define PREFIQS_EVAL_PAIR_LIST_H_

#include <cstdint>
#include <string>
#include <vector>

namespace prefiqs::eval {

struct NamedPair {
  // As the list has them, without ./ and ../ at the start and without the extension.
  std::string first, second;
  // People; empty: unknown, known only by the list's mated pairs.
  std::string first_identity{}, second_identity{};
  bool mated = false;
  std::uint32_t fold = 0;
  std::size_t line = 0;  // of the list's file, from 1; 0: it has no lines, or is of several files
};

struct PairList {
  std::vector<NamedPair> pairs;
  std::uint32_t folds = 0;  // 0: the list has none
  std::string form{};       // what the file was taken for, for people
};

// By what `path` is:
//   a CSV file with the columns file_a, file_b and mated (1, 0, true, false), and maybe fold (a whole number from 0)
//   and identity_a, identity_b, separated by commas, semicolons or tabs; LFW's pairs.txt ("10 300", then for each fold
//   as many lines "NAME I J" and as many "NAME I OTHER J"), which XQLFW has too; CPLFW's and CALFW's lists, in which a
//   pair is two lines "FILE LABEL" with the same label, 0 for two people (the others of CALFW are folds of mated pairs
//   alone, so there are no folds); lines "PATH PATH LABEL" or "LABEL PATH PATH" with 1 for one person and 0 for two,
//   with white space, commas, semicolons or tabs between; CFP's Protocol/Split/FF or FP: folders 01, 02 … with same.txt
//   and diff.txt of numbers in Pair_list_F.txt and, for the second of FP, Pair_list_P.txt, which lie two folders up;
//   InsightFace's FILE.bin, of which pictures 2 k and 2 k + 1, FILE.bin#INDEX, are pair k, in ten folds one after the
//   other, as equal as can be, the first ones larger (none for fewer than ten pairs).
// Throws Error(kIo) naming file, line and cause.
PairList ReadPairList(const std::string& path);

// The form names have in a PairList.
std::string NameOf(std::string_view path);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_PAIR_LIST_H_
