import { checkedAs } from './checkedAs.ts';

checkedAs('thread', 'no two threads at one place without order between them');
