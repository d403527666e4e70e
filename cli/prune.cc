// `prefiqs prune`.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "cli/commands.h"
#include "cli/network_options.h"
#include "cli/recipe_options.h"

namespace prefiqs::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  prefiqs prune arcface.onnx pruned.onnx
  prefiqs prune arcface.onnx pruned.onnx --sparsity 0.3 --scope layer --from 0.5
  prefiqs prune arcface.onnx smaller.onnx --granularity structured --sparsity 0.1 --remove

The topology stays and pruned weights are zeros; with --remove they are gone, and the embeddings are the same. The
recipe is written into the file's metadata, and so is the preprocessing where it is known. prefiqs embed runs the copy;
prefiqs score wants the network it was made from.)";

}  // namespace

int RunPrune(const Words& words) {
  CLI::App app("Writes the pruned copy of a network as ONNX.", "prefiqs prune");
  NetworkArguments network;
  RecipeArguments recipe;
  std::string output;
  bool force = false, remove = false;
  app.add_option("IN", network.model, "Face recognition network, an ONNX file")->required()->type_name("");
  app.add_option("OUT", output, "Where the copy goes")->required()->type_name("");
  app.add_flag("--remove", remove,
               "Takes the channels of --granularity structured out, for a smaller network; else they are zeros");
  app.add_flag("--force", force, "Overwrites what is there");
  AddPreprocessingOptions(app, network);
  AddRecipeOptions(app, recipe);
  app.footer(kExamples);
  if (!Parse(app, words)) return 0;
  const std::optional<Recipe> wanted = MakeRecipe(recipe);
  std::error_code ignored;
  if (std::filesystem::equivalent(network.model, output, ignored)) {
    throw Error(ErrorCode::kUsage, "IN and OUT are the same file: the weights that go could not be had back");
  }
  const std::filesystem::file_status there = std::filesystem::status(output, ignored);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) {
    // The copy takes the place of what is there, which must not happen to a device or a folder.
    throw Error(ErrorCode::kIo, fmt::format("{}: is no regular file; name a file", output));
  }
  if (!force && std::filesystem::exists(there)) {
    throw Error(ErrorCode::kIo, fmt::format("{}: exists already; --force overwrites it", output));
  }
  const Network loaded = LoadNetwork(network);
  SayRemarks(loaded);
  CheckAutoRecipe(recipe, loaded);
  const Recipe used = wanted ? *wanted : loaded.stored_recipe().value_or(Recipe{});
  const double achieved = loaded.save_pruned(used, output, remove ? PrunedForm::kRemoved : PrunedForm::kMasked);
  fmt::print("{}: {}, sparsity asked {}, achieved {:.6f}\n", output, used.name(), used.sparsity, achieved);
  return 0;
}

}  // namespace prefiqs::cli
