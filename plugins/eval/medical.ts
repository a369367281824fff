/** @file The medical tasks that ship with medtune, each as an evaluation of its own name. Their files are in tasks/. */
import { openTask, TASK_OPTIONS } from 'medtune/eval'
import { definePlugin } from 'medtune/plugin'

const shipped = (name: string, summary: string) =>
  definePlugin({
    kind: 'eval',
    name,
    summary,
    options: { type: 'object', properties: TASK_OPTIONS, additionalProperties: false },
    create: (options, context) => openTask(name, options, context),
  })

const mmlu = (subject: string) =>
  shipped(`mmlu_${subject}`, `MMLU, ${subject.replaceAll('_', ' ')}: exam questions with four choices.`)

export default [
  shipped('medqa_4options', 'MedQA: questions of the US medical licensing exam, four choices.'),
  shipped('medmcqa', 'MedMCQA: questions of Indian medical entrance exams, four choices (validation set).'),
  shipped('pubmedqa', 'PubMedQA: yes, no or maybe to a question about the abstract of a paper.'),
  mmlu('anatomy'),
  mmlu('clinical_knowledge'),
  mmlu('college_biology'),
  mmlu('college_medicine'),
  mmlu('medical_genetics'),
  mmlu('professional_medicine'),
  shipped('medqa_cot', 'MedQA, answered in words after thinking.'),
  shipped('medmcqa_cot', 'MedMCQA, answered in words after thinking.'),
  shipped('pubmedqa_cot', 'PubMedQA, answered in words after thinking.'),
  shipped('pubmedqa_source', 'PubMedQA from the file of its authors (ori_pqal.json).'),
  shipped('multimedqa', 'The nine medical tasks together, each question counting alike.'),
]
