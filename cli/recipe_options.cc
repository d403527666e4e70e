#include "cli/recipe_options.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>
#include <vector>

#include "cli/arguments.h"

namespace prefiqs::cli {
namespace {

// A recipe is a hundred bytes.
constexpr std::streamsize kMaxRecipeBytes = 1 << 16;

Recipe ReadRecipe(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(static_cast<std::size_t>(kMaxRecipeBytes), '\0');
  if (file) file.read(text.data(), kMaxRecipeBytes);
  if (!file.is_open() || file.bad()) {
    throw Error(ErrorCode::kIo, fmt::format("--recipe {}: cannot read it: {}", path, std::strerror(errno)));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  try {
    return Recipe::from_json(text);
  } catch (const Error& e) {
    throw Error(e.code(), fmt::format("--recipe {}: {}", path, e.what()));
  }
}

template <typename E>
E Named(std::string_view option, const std::string& text, std::initializer_list<E> values) {
  std::vector<Choice<E>> choices;
  for (const E value : values) choices.push_back({name(value), value});
  return Choose(option, text, choices);
}

}  // namespace

void AddRecipeOptions(CLI::App& app, RecipeArguments& arguments, const char* seed) {
  const char* const group = "Recipe";
  app.add_option(
         "--recipe", arguments.file,
         "Recipe as JSON, in place of the options below; auto: the one that calibrate chose and stored with the "
         "network. Without any: the stored one if there is one, else the paper's")
      ->type_name("FILE|auto")
      ->group(group);
  app.add_option("--sparsity", arguments.sparsity,
                 "Part of the prunable weights (structured: of the channels) that goes, 0 <= R < 1 [0.4]")
      ->type_name("R")
      ->group(group);
  app.add_option("--granularity", arguments.granularity,
                 "unstructured: single weights; or structured: channels with all that belongs to them [unstructured]")
      ->type_name("G")
      ->group(group);
  app.add_option("--criterion", arguments.criterion, "l1 (the smallest go) or random [l1]")
      ->type_name("C")
      ->group(group);
  app.add_option("--scope", arguments.scope,
                 "What shares a threshold: global, layer, or channel (global over weights "
                 "relative to their filter's RMS; unstructured only) [global]")
      ->type_name("S")
      ->group(group);
  app.add_option("--from", arguments.from, "Prune only at or after this fraction of the layer order, 0 <= F < 1 [0]")
      ->type_name("F")
      ->group(group);
  app.add_option(seed, arguments.seed, "Of --criterion random [0]")
      ->type_name("N")
      ->check(FromZero<std::uint64_t>())
      ->group(group);
}

std::optional<Recipe> MakeRecipe(const RecipeArguments& arguments) {
  const bool single = arguments.sparsity || arguments.from || arguments.granularity || arguments.criterion ||
                      arguments.scope || arguments.seed;
  std::optional<Recipe> recipe;
  if (!arguments.file.empty()) {
    if (single) {
      throw Error(
          ErrorCode::kUsage,
          "--recipe excludes --sparsity, --granularity, --criterion, --scope, --from and --seed: it says them all");
    }
    if (arguments.file != kAutoRecipe) recipe = ReadRecipe(arguments.file);
  } else if (single) {
    recipe.emplace();
    recipe->sparsity = arguments.sparsity.value_or(recipe->sparsity);
    recipe->from = arguments.from.value_or(recipe->from);
    recipe->seed = arguments.seed.value_or(recipe->seed);
    if (arguments.granularity) {
      recipe->granularity =
          Named("--granularity", *arguments.granularity, {Granularity::kUnstructured, Granularity::kStructured});
    }
    if (arguments.criterion) {
      recipe->criterion = Named("--criterion", *arguments.criterion, {Criterion::kL1, Criterion::kRandom});
    }
    if (arguments.scope) {
      recipe->scope = Named("--scope", *arguments.scope, {Scope::kGlobal, Scope::kLayer, Scope::kChannel});
    }
    recipe->validate();
  }
  return recipe;
}

void CheckAutoRecipe(const RecipeArguments& arguments, const Network& network) {
  if (arguments.file != kAutoRecipe || network.stored_recipe()) return;
  throw Error(
      ErrorCode::kUsage,
      fmt::format("--recipe auto: none is stored with {}; prefiqs calibrate {} FACES/ --recipe auto chooses one",
                  network.path(), network.path()));
}

}  // namespace prefiqs::cli
