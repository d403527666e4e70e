#include <fmt/format.h>
#include <prefiqs/evaluation.h>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "base/file.h"
#include "eval/kept_errors.h"
#include "eval_page/page.h"
#include "eval_page/thumbnails.h"

namespace prefiqs {

EvaluationReport evaluate_to_page(const EvaluationOptions& options, const std::string& page) {
  CheckWritable(page);  // before the work, not after it
  eval::Examples examples;
  EvaluationReport report = eval::EvaluateWithExamples(options, examples);
  const std::vector<std::uint32_t> shown = eval_page::ImagesShown(report, examples);
  const bool of_templates = !options.templates.empty();
  std::map<std::uint32_t, eval_page::Thumbnail> thumbnails;
  if (!of_templates) {
    std::vector<std::string> paths;
    for (const std::uint32_t image : shown) paths.push_back(examples.images[image]);
    std::vector<eval_page::Thumbnail> read =
        eval_page::ReadThumbnails(options.rows, paths, options.threads, options.limits);
    for (std::size_t i = 0; i < shown.size(); ++i) thumbnails.emplace(shown[i], std::move(read[i]));
  }
  eval_page::Facts facts{.pairs = options.pairs,
                         .rows = options.rows,
                         .embeddings = options.embeddings,
                         .made_by = fmt::format("prefiqs {}", version()),
                         .lower_is_better = {},
                         .of_templates = of_templates};
  for (const QualitySource& source : options.qualities) facts.lower_is_better.push_back(source.lower_is_better);
  WriteFileAtomically(page, eval_page::RenderPage({report, examples, thumbnails, facts}));
  return report;
}

}  // namespace prefiqs
