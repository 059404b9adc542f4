/** One thing found at the start that an operator should know. */
export interface Remark {
  readonly what: 'key' | 'log' | 'damage' | 'unchecked';
  readonly text: string;
}
