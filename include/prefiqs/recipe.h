// A pruning recipe: the whole description of how the second network is made from the first. Small, comparable, written
// into every output.
#ifndef PREFIQS_RECIPE_H_
#define PREFIQS_RECIPE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include <prefiqs/version.h>

namespace prefiqs {

enum class Granularity {
  kUnstructured,  // single weights
  kStructured,    // channels, with all that belongs to them in all layers
};
enum class Criterion { kL1, kRandom };
enum class Scope { kGlobal, kLayer, kChannel };

// The defaults are the best recipe of the paper (arXiv 2605.13396).
struct PREFIQS_API Recipe {
  Granularity granularity = Granularity::kUnstructured;
  Criterion criterion = Criterion::kL1;
  Scope scope = Scope::kGlobal;
  double sparsity = 0.4;   // fraction of the prunable weights (structured: of the channels) to remove, in [0, 1)
  double from = 0.0;       // prune only the layers at or after this fraction of the layer order, in [0, 1)
  std::uint64_t seed = 0;  // of Criterion::kRandom; ignored (and not written) for kL1

  // One token for tables and columns, e.g. "unstructured-l1-global-0.4" or
  // "unstructured-random-layer-0.1-from0.9-seed7". Numbers have the shortest form that reads back to the same value, so
  // different recipes have different names.
  std::string name() const;

  // {"granularity":"unstructured","criterion":"l1","scope":"global","sparsity":0.4,"from":0}; missing keys keep their
  // defaults. from_json throws Error(kRecipe) naming the key; unknown keys are refused.
  std::string to_json() const;
  static Recipe from_json(std::string_view json);

  // Throws Error(kRecipe) where a number is outside its range, or structured pruning has the channel scope.
  void validate() const;

  friend bool operator==(const Recipe&, const Recipe&) = default;
};

PREFIQS_API std::string_view name(Granularity granularity);
PREFIQS_API std::string_view name(Criterion criterion);
PREFIQS_API std::string_view name(Scope scope);

}  // namespace prefiqs

#endif  // PREFIQS_RECIPE_H_
