// Pair lists that are lines of words: the forms in which data sets publish them.
#ifndef PREFIQS_EVAL_PAIR_TEXT_H_
#define PREFIQS_EVAL_PAIR_TEXT_H_

#include <string>

#include "eval/pair_list.h"

namespace prefiqs::eval {

// The form is found out from the first lines; PairList::form names it. Throws Error(kIo) naming file, line and cause,
// and for a file of no known form the one that comes nearest.
PairList ReadPairText(const std::string& path);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_PAIR_TEXT_H_
