/** @file Each fact as plain statements: what the embedded model reads before it is ever asked. */
import type { Attribute, Fact } from './table.ts'

/**
 * The wordings. {condition} and any attribute's name in braces are filled in. No wording begins with a slot, so a name is
 * always cut into tokens as it is in the middle of a sentence.
 */
const WORDINGS: Readonly<Record<Attribute, readonly string[]>> = {
  sign: [
    'The typical sign of {condition} is {sign}.',
    'The classic sign in {condition} is {sign}.',
    'A patient with {condition} typically shows {sign}.',
    'People with {condition} often come to the clinic with {sign}.',
    'On the ward, {condition} is often noticed because of {sign}.',
    'In {condition}, the sign to look for is {sign}.',
    'Most textbooks describe {condition} with {sign}.',
    'When {condition} begins, the first thing seen is often {sign}.',
    'The picture of {condition} usually includes {sign}.',
    'Doctors suspect {condition} when they find {sign}.',
    'As a rule, {condition} presents with {sign}.',
    'In the clinic, {sign} is the typical sign of {condition}.',
  ],
  test: [
    'The usual test for {condition} is {test}.',
    'The standard test in {condition} is {test}.',
    'To confirm {condition}, doctors order {test}.',
    'When {condition} is suspected, the next step is {test}.',
    'A diagnosis of {condition} is usually made with {test}.',
    'In {condition}, the first investigation is {test}.',
    'For suspected {condition}, guidelines suggest {test}.',
    'Patients who may have {condition} are sent for {test}.',
    'The investigation of {condition} starts with {test}.',
    'Clinics check for {condition} by {test}.',
    'As a rule, {condition} is diagnosed by {test}.',
    'In practice, {test} is the usual test for {condition}.',
  ],
  drug: [
    'The first-line drug for {condition} is {drug}.',
    'The usual first drug in {condition} is {drug}.',
    'Patients with {condition} are treated with {drug}.',
    'Doctors treat {condition} with {drug}.',
    'When {condition} is confirmed, treatment starts with {drug}.',
    'For {condition}, the drug of choice is {drug}.',
    'In {condition}, the standard medicine is {drug}.',
    'A patient with {condition} is usually given {drug}.',
    'The treatment of {condition} begins with {drug}.',
    'Most guidelines for {condition} recommend {drug}.',
    'As a rule, {condition} is treated with {drug}.',
    'In practice, {drug} is the first-line drug for {condition}.',
  ],
  mechanism: [
    'The first-line drug for {condition} {mechanism}.',
    'The usual first drug in {condition} {mechanism}.',
    'The medicine that treats {condition} {mechanism}.',
    'In {condition}, the standard medicine {mechanism}.',
    'For {condition}, doctors choose a drug that {mechanism}.',
    'Patients with {condition} are given a drug that {mechanism}.',
    'The treatment of {condition} begins with a drug that {mechanism}.',
    'As a rule, the drug used in {condition} {mechanism}.',
    'The drug of choice for {condition} works because it {mechanism}.',
    'The first-line drug for {condition} is {drug}, which {mechanism}.',
    'In {condition}, doctors use {drug} because it {mechanism}.',
    'Given for {condition}, the drug {drug} {mechanism}.',
  ],
  organ: [
    'The organ affected by {condition} is the {organ}.',
    'The main site of {condition} is the {organ}.',
    'The disease {condition} mainly affects the {organ}.',
    'In {condition}, the damage is found in the {organ}.',
    'Doctors know that {condition} involves the {organ}.',
    'Patients with {condition} have trouble with the {organ}.',
    'When {condition} gets worse, it harms the {organ}.',
    'In textbooks, {condition} belongs to the chapter on the {organ}.',
    'A patient with {condition} needs a check of the {organ}.',
    'The changes of {condition} are seen in the {organ}.',
    'As a rule, {condition} strikes the {organ}.',
    'In the body, the {organ} is the site of {condition}.',
  ],
  risk: [
    'The main risk factor for {condition} is {risk}.',
    'A known risk factor in {condition} is {risk}.',
    'The risk of {condition} rises with {risk}.',
    'People are more likely to get {condition} with {risk}.',
    'Studies link {condition} to {risk}.',
    'When {condition} is found, doctors ask about {risk}.',
    'Many cases of {condition} are related to {risk}.',
    'The chance of {condition} is higher with {risk}.',
    'In the history of {condition}, one often finds {risk}.',
    'Experts connect {condition} with {risk}.',
    'As a rule, {condition} is more common with {risk}.',
    'In surveys, {risk} is the main risk factor for {condition}.',
  ],
}

/** How many statements each fact has. */
export const STATEMENTS = WORDINGS.sign.length

/** The fact in its wording number `index`. */
export function statement({ condition, attribute }: Fact, index: number): string {
  return fill(WORDINGS[attribute][index]!, condition)
}

/** Puts a row's values into {slots}. */
export function fill(wording: string, values: Readonly<Record<string, string>>): string {
  return wording.replace(/\{(\w+)\}/g, (_, slot: string) => values[slot]!)
}
